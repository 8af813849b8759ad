package io.rutile.gateway.rest;

import io.rutile.gateway.console.ClusterFacts.Heat;
import io.rutile.gateway.console.ClusterFacts.Operators;
import io.rutile.gateway.console.ClusterFacts.Overview;
import io.rutile.gateway.console.ClusterFacts.RegionDetail;
import io.rutile.gateway.console.ClusterFacts.RegionPage;
import io.rutile.gateway.console.ClusterFacts.Scheduling;
import io.rutile.gateway.console.ClusterFacts.Store;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.ArraySchema;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestParam;

/** The cluster as those who operate it see it: read only, for admins; what the console is made of. */
@Tag(name = "cluster", description = "The cluster as the Placement Driver sees it. Needs the permission admin.")
interface ClusterApi extends ApiParameters {

    String JSON = MediaType.APPLICATION_JSON_VALUE;

    @Operation(
            operationId = "cluster",
            summary = "The cluster in a few figures, and the members of the Placement Driver")
    @ApiResponse(
            responseCode = "200",
            description = "As it is now",
            content = @Content(mediaType = JSON, schema = @Schema(implementation = Overview.class)))
    @GetMapping(path = "/v1/cluster", produces = JSON)
    CompletableFuture<ResponseEntity<Void>> overview(
            @Parameter(hidden = true) HttpServletRequest request,
            @Parameter(hidden = true) HttpServletResponse response)
            throws IOException;

    @Operation(
            operationId = "clusterStores",
            summary = "Stores: state, space, replicas, traffic, what they get and why")
    @ApiResponse(
            responseCode = "200",
            description = "As it is now",
            content = @Content(mediaType = JSON, array = @ArraySchema(schema = @Schema(implementation = Store.class))))
    @GetMapping(path = "/v1/cluster/stores", produces = JSON)
    CompletableFuture<ResponseEntity<Void>> stores(
            @Parameter(hidden = true) HttpServletRequest request,
            @Parameter(hidden = true) HttpServletResponse response)
            throws IOException;

    @Operation(
            operationId = "clusterRegions",
            summary = "Regions, in key order or by what is asked for",
            description =
                    "One of key, store, check and top, or none of them for all Regions from the first one on. The next"
                            + " page begins at next: key=<next>&enc=hex&as=border.")
    @ApiResponse(
            responseCode = "200",
            description = "As it is now",
            content = @Content(mediaType = JSON, schema = @Schema(implementation = RegionPage.class)))
    @GetMapping(path = "/v1/cluster/regions", produces = JSON)
    CompletableFuture<ResponseEntity<Void>> regions(
            @Parameter(hidden = true) HttpServletRequest request,
            @Parameter(hidden = true) HttpServletResponse response,
            @Parameter(description = "From the Region on that holds this key") @RequestParam(required = false) @Nullable String key,
            @Encoding @RequestParam(required = false) @Nullable String enc,
            @Parameter(
                            description =
                                    "What key is: a key of the raw or of the transactional API, or a border as Regions"
                                            + " have it",
                            schema =
                                    @Schema(
                                            allowableValues = {"raw", "txn", "border"},
                                            defaultValue = "raw"))
                    @RequestParam(required = false)
                    @Nullable String as,
            @Parameter(
                            description = "Those with a replica on this store",
                            schema = @Schema(type = "integer", format = "int64"))
                    @RequestParam(required = false)
                    @Nullable String store,
            @Parameter(description = "Those that are found by this check, such as down-peer")
                    @RequestParam(required = false)
                    @Nullable String check,
            @Parameter(
                            description = "Those with the most of it first",
                            schema = @Schema(allowableValues = {"written", "read", "size", "keys"}))
                    @RequestParam(required = false)
                    @Nullable String top,
            @Parameter(
                            description = "At most so many",
                            schema = @Schema(type = "integer", minimum = "1", maximum = "500", defaultValue = "50"))
                    @RequestParam(required = false)
                    @Nullable String limit)
            throws IOException;

    @Operation(
            operationId = "clusterRegion",
            summary = "One Region, its neighbours, and what is done for it and why, or why nothing is")
    @ApiResponse(
            responseCode = "200",
            description = "As it is now",
            content = @Content(mediaType = JSON, schema = @Schema(implementation = RegionDetail.class)))
    @GetMapping(path = "/v1/cluster/regions/{id}", produces = JSON)
    CompletableFuture<ResponseEntity<Void>> region(
            @Parameter(hidden = true) HttpServletRequest request,
            @Parameter(hidden = true) HttpServletResponse response,
            @Parameter(description = "Of the Region", schema = @Schema(type = "integer", format = "int64"))
                    @PathVariable
                    String id)
            throws IOException;

    @Operation(
            operationId = "clusterOperators",
            summary = "What the Placement Driver is doing: the first 500 operators")
    @ApiResponse(
            responseCode = "200",
            description = "As it is now",
            content = @Content(mediaType = JSON, schema = @Schema(implementation = Operators.class)))
    @GetMapping(path = "/v1/cluster/operators", produces = JSON)
    CompletableFuture<ResponseEntity<Void>> operators(
            @Parameter(hidden = true) HttpServletRequest request,
            @Parameter(hidden = true) HttpServletResponse response)
            throws IOException;

    @Operation(operationId = "clusterScheduling", summary = "Why something moves, or why nothing does")
    @ApiResponse(
            responseCode = "200",
            description = "As it is now",
            content = @Content(mediaType = JSON, schema = @Schema(implementation = Scheduling.class)))
    @GetMapping(path = "/v1/cluster/scheduling", produces = JSON)
    CompletableFuture<ResponseEntity<Void>> scheduling(
            @Parameter(hidden = true) HttpServletRequest request,
            @Parameter(hidden = true) HttpServletResponse response)
            throws IOException;

    @Operation(
            operationId = "clusterHeat",
            summary = "Who reads and writes where, over the last two hours",
            description = "Rows are ranges of keys, columns are minutes.")
    @ApiResponse(
            responseCode = "200",
            description = "As it is now",
            content = @Content(mediaType = JSON, schema = @Schema(implementation = Heat.class)))
    @GetMapping(path = "/v1/cluster/heat", produces = JSON)
    CompletableFuture<ResponseEntity<Void>> heat(
            @Parameter(hidden = true) HttpServletRequest request,
            @Parameter(hidden = true) HttpServletResponse response,
            @Parameter(
                            description = "What is counted",
                            schema =
                                    @Schema(
                                            allowableValues = {
                                                "written-bytes",
                                                "read-bytes",
                                                "written-keys",
                                                "read-keys"
                                            },
                                            defaultValue = "written-bytes"))
                    @RequestParam(required = false)
                    @Nullable String of)
            throws IOException;
}
