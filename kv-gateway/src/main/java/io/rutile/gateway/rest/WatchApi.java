package io.rutile.gateway.rest;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.ExampleObject;
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
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestParam;

/** Watching, as its users see it. */
@Tag(
        name = "txn",
        description = "Transactions with snapshot isolation: in one call, or open between the requests of one client.")
interface WatchApi extends ApiParameters {

    String LAST_EVENT_ID = "Last-Event-ID";

    String EVENTS_EXAMPLE = """
            retry: 1000
            id: AQZDXWdRQAAEAAAAAGaQx2A

            id: AQZDXWdRQAAEAAAAAZ3vW7c
            event: put
            data: {"key":"stock/apple","value":"2","commitTs":"451320043462131714"}

            id: AQZDXWdRQAAFAAAAAQ4-K0A
            event: delete
            data: {"key":"order/7","commitTs":"451320043462131715"}
            """;

    @Operation(
            operationId = "txnWatch",
            summary = "Streams what is committed, each change once and in order",
            description =
                    "Server-sent events, by commit timestamp and then by key. An event's id is a position: asked again with it as"
                            + " from or Last-Event-ID, at any gateway, the stream goes on right behind that change. While nothing"
                            + " comes, an id alone comes every few seconds, so that a position stays young. The last event, if there"
                            + " is one, is end, with a problem. Raw keys have no versions and can't be watched.")
    @ApiResponse(
            responseCode = "200",
            description = "Events put and delete",
            content =
                    @Content(
                            mediaType = MediaType.TEXT_EVENT_STREAM_VALUE,
                            schema = @Schema(implementation = ChangeSchema.class),
                            examples = @ExampleObject(name = "events", value = EVENTS_EXAMPLE)))
    @ApiResponse(
            responseCode = "410",
            description = "Changes behind the position may be gone: read what is there, and watch from now on",
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_PROBLEM_JSON_VALUE,
                            schema = @Schema(implementation = Problem.class)))
    @ApiResponse(
            responseCode = "429",
            description = "As many watch as may, or as the caller may",
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_PROBLEM_JSON_VALUE,
                            schema = @Schema(implementation = Problem.class)))
    @GetMapping(path = "/v1/txn/watch", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    CompletableFuture<ResponseEntity<Void>> watch(
            @Parameter(hidden = true) HttpServletRequest request,
            @Parameter(hidden = true) HttpServletResponse response,
            @Start @RequestParam(required = false) @Nullable String start,
            @End @RequestParam(required = false) @Nullable String end,
            @Prefix @RequestParam(required = false) @Nullable String prefix,
            @Parameter(
                            description =
                                    "A position, as an event's id told it; now, or nothing: what is committed from now on",
                            example = "now")
                    @RequestParam(required = false)
                    @Nullable String from,
            @Encoding @RequestParam(required = false) @Nullable String enc,
            @Parameter(description = "As browsers send it when they come back; counts more than from")
                    @RequestHeader(name = LAST_EVENT_ID, required = false)
                    @Nullable String lastEventId)
            throws IOException;

    /** The data of an event, for the document. */
    @Schema(
            name = "Change",
            description =
                    "A version that was committed. Key and value as in pairs; a delete has no value. keyBase64url and"
                            + " valueBase64url stand instead where the bytes are no readable text.")
    record ChangeSchema(
            @Nullable String key,
            @Nullable String keyBase64url,
            @Nullable String value,
            @Nullable String valueBase64url,

            @Schema(description = "The moment from which others see it", example = "451320043462131714")
            String commitTs) {}
}
