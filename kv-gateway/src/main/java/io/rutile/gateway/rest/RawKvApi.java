package io.rutile.gateway.rest;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.headers.Header;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.ExampleObject;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.parameters.RequestBody;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestParam;

/** The raw API as its users see it: paths, parameters and their description in the OpenAPI document. */
@Tag(name = "raw", description = "Single keys, each atomic; no transactions.")
interface RawKvApi extends ApiParameters {

    String KEY_PATH = "/v1/raw/{*key}";
    String TTL =
            "How long the key lives: a number of seconds, or 30s, 5m, 12h, 30d, PT1H. 0 or nothing: for ever. Needs a cluster"
                    + " with api-version V1TTL.";
    String IF_MATCH = "Write only if the value has one of these tags; * if there is any value";
    String IF_NONE_MATCH = "Write only if the value has none of these tags; * if the key is not there";

    String PAIR_EXAMPLE = """
            {"pairs": [{"key": "fruit/1", "value": "apple"}, {"key": "fruit/2", "valueBase64url": "_wA"}]}""";
    String KEYS_EXAMPLE = """
            {"keys": ["fruit/1", "fruit/2", {"keyBase64url": "_wA"}]}""";
    String LINES_EXAMPLE = """
            {"key":"fruit/1","value":"apple"}
            {"key":"fruit/2","valueBase64url":"_wA"}
            """;

    @Operation(
            operationId = "rawGet",
            summary = "The value of a key",
            description = "HEAD answers the same without the value.")
    @ApiResponse(
            responseCode = "200",
            description = "The value",
            headers = {
                @Header(name = "ETag", description = "Tag of the value", schema = @Schema(type = "string")),
                @Header(
                        name = "Rutile-Ttl",
                        description = "Seconds left, if asked for",
                        schema = @Schema(type = "integer", format = "int64"))
            },
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_OCTET_STREAM_VALUE,
                            schema = @Schema(type = "string", format = "binary")))
    @ApiResponse(
            responseCode = "304",
            description = "The value has one of the tags of If-None-Match",
            content = @Content)
    @ApiResponse(ref = "#/components/responses/KeyNotFound", responseCode = "404")
    @KeyInPath
    @GetMapping(path = KEY_PATH, produces = MediaType.APPLICATION_OCTET_STREAM_VALUE)
    CompletableFuture<ResponseEntity<byte[]>> get(
            @Parameter(hidden = true) HttpServletRequest request,
            @Parameter(hidden = true) HttpServletResponse response,
            @Encoding @RequestParam(required = false) @Nullable String enc,
            @Parameter(
                            description =
                                    "Answer in the header Rutile-Ttl how many seconds are left; no header: for ever",
                            schema = @Schema(type = "boolean", defaultValue = "false"))
                    @RequestParam(required = false)
                    @Nullable String withTtl,
            @Parameter(description = "Answer 304 without the value if it has one of these tags")
                    @RequestHeader(name = "If-None-Match", required = false)
                    @Nullable String ifNoneMatch,
            @Timeout @RequestHeader(name = TimeParameters.TIMEOUT_HEADER, required = false) @Nullable String timeout)
            throws IOException;

    @Operation(
            operationId = "rawPut",
            summary = "Writes a key",
            description = "With If-Match or If-None-Match: compare-and-swap.")
    @RequestBody(
            description = "The value: any bytes, at most 8 MiB. Its media type is not kept.",
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_OCTET_STREAM_VALUE,
                            schema = @Schema(type = "string", format = "binary")))
    @ApiResponse(
            responseCode = "201",
            description = "Written by a conditional request, and nothing was there before",
            headers = @Header(name = "ETag", description = "Tag of the value", schema = @Schema(type = "string")),
            content = @Content)
    @ApiResponse(
            responseCode = "204",
            description = "Written",
            headers = @Header(name = "ETag", description = "Tag of the value", schema = @Schema(type = "string")),
            content = @Content)
    @ApiResponse(ref = "#/components/responses/PreconditionFailed", responseCode = "412")
    @KeyInPath
    @PutMapping(path = KEY_PATH)
    CompletableFuture<ResponseEntity<Void>> put(
            @Parameter(hidden = true) HttpServletRequest request,
            @Encoding @RequestParam(required = false) @Nullable String enc,
            @Parameter(description = TTL, example = "30d") @RequestParam(required = false) @Nullable String ttl,
            @Parameter(description = IF_MATCH) @RequestHeader(name = "If-Match", required = false) @Nullable String ifMatch,
            @Parameter(description = IF_NONE_MATCH) @RequestHeader(name = "If-None-Match", required = false) @Nullable String ifNoneMatch,
            @Timeout @RequestHeader(name = TimeParameters.TIMEOUT_HEADER, required = false) @Nullable String timeout);

    @Operation(
            operationId = "rawDelete",
            summary = "Deletes a key",
            description = "Also answers 204 if it was not there. With If-Match: compare-and-delete.")
    @ApiResponse(responseCode = "204", description = "The key is not there any more", content = @Content)
    @ApiResponse(ref = "#/components/responses/PreconditionFailed", responseCode = "412")
    @KeyInPath
    @DeleteMapping(path = KEY_PATH)
    CompletableFuture<ResponseEntity<Void>> delete(
            @Parameter(hidden = true) HttpServletRequest request,
            @Encoding @RequestParam(required = false) @Nullable String enc,
            @Parameter(description = IF_MATCH) @RequestHeader(name = "If-Match", required = false) @Nullable String ifMatch,
            @Parameter(description = IF_NONE_MATCH) @RequestHeader(name = "If-None-Match", required = false) @Nullable String ifNoneMatch,
            @Timeout @RequestHeader(name = TimeParameters.TIMEOUT_HEADER, required = false) @Nullable String timeout);

    @Operation(
            operationId = "rawScan",
            summary = "Streams pairs in key order",
            description =
                    "A line a pair. If the last line is {\"problem\": …}, or the connection breaks, what came before is not all.")
    @ApiResponse(
            responseCode = "200",
            description =
                    "Pairs as lines of JSON; with keysOnly, without values. With enc=utf8, bytes that are no readable text stand"
                            + " in keyBase64url and valueBase64url instead.",
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_NDJSON_VALUE,
                            schema = @Schema(implementation = PairSchema.class),
                            examples = @ExampleObject(name = "lines", value = LINES_EXAMPLE)))
    @GetMapping(path = "/v1/raw", produces = MediaType.APPLICATION_NDJSON_VALUE)
    CompletableFuture<ResponseEntity<Void>> scan(
            @Parameter(hidden = true) HttpServletRequest request,
            @Parameter(hidden = true) HttpServletResponse response,
            @Start @RequestParam(required = false) @Nullable String start,
            @End @RequestParam(required = false) @Nullable String end,
            @Prefix @RequestParam(required = false) @Nullable String prefix,
            @Limit @RequestParam(required = false) @Nullable String limit,
            @Reverse @RequestParam(required = false) @Nullable String reverse,
            @KeysOnly @RequestParam(required = false) @Nullable String keysOnly,
            @Encoding @RequestParam(required = false) @Nullable String enc)
            throws IOException;

    @Operation(
            operationId = "rawBatchPut",
            summary = "Writes many keys",
            description =
                    "At most 10,240 pairs and 16 MiB of JSON. Each key is written atomically, the batch is not: after a failure"
                            + " some may be written, and sending it again is harmless.")
    @RequestBody(
            required = true,
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = PairsSchema.class),
                            examples = @ExampleObject(name = "pairs", value = PAIR_EXAMPLE)))
    @ApiResponse(responseCode = "204", description = "All are written", content = @Content)
    @PostMapping(path = "/v1/raw:batchPut", consumes = MediaType.APPLICATION_JSON_VALUE)
    CompletableFuture<ResponseEntity<Void>> batchPut(
            @Parameter(hidden = true) HttpServletRequest request,
            @Encoding @RequestParam(required = false) @Nullable String enc,
            @Parameter(description = TTL, example = "30d") @RequestParam(required = false) @Nullable String ttl,
            @Timeout @RequestHeader(name = TimeParameters.TIMEOUT_HEADER, required = false) @Nullable String timeout);

    @Operation(
            operationId = "rawBatchGet",
            summary = "Reads many keys",
            description =
                    "At most 10,240 keys. Keys that are not there are not in the answer. After 16 MiB of values the rest of the"
                            + " keys stand in \"unread\": ask for them again.")
    @RequestBody(
            required = true,
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = KeysSchema.class),
                            examples = @ExampleObject(name = "keys", value = KEYS_EXAMPLE)))
    @ApiResponse(
            responseCode = "200",
            description = "The pairs, in the order of the request",
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = ReadPairsSchema.class),
                            examples = @ExampleObject(name = "pairs", value = PAIR_EXAMPLE)))
    @PostMapping(
            path = "/v1/raw:batchGet",
            consumes = MediaType.APPLICATION_JSON_VALUE,
            produces = MediaType.APPLICATION_JSON_VALUE)
    CompletableFuture<ResponseEntity<Void>> batchGet(
            @Parameter(hidden = true) HttpServletRequest request,
            @Parameter(hidden = true) HttpServletResponse response,
            @Encoding @RequestParam(required = false) @Nullable String enc,
            @Timeout @RequestHeader(name = TimeParameters.TIMEOUT_HEADER, required = false) @Nullable String timeout)
            throws IOException;

    @Operation(
            operationId = "rawBatchDelete",
            summary = "Deletes many keys",
            description = "At most 10,240 keys. Each key is deleted atomically, the batch is not.")
    @RequestBody(
            required = true,
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = KeysSchema.class),
                            examples = @ExampleObject(name = "keys", value = KEYS_EXAMPLE)))
    @ApiResponse(responseCode = "204", description = "None of them is there any more", content = @Content)
    @PostMapping(path = "/v1/raw:batchDelete", consumes = MediaType.APPLICATION_JSON_VALUE)
    CompletableFuture<ResponseEntity<Void>> batchDelete(
            @Parameter(hidden = true) HttpServletRequest request,
            @Encoding @RequestParam(required = false) @Nullable String enc,
            @Timeout @RequestHeader(name = TimeParameters.TIMEOUT_HEADER, required = false) @Nullable String timeout);

    /** {@link PairJson}, for the document. */
    @Schema(name = "Pair", description = "A key and its value, each as text or as base64url.")
    record PairSchema(
            @Schema(description = "The key in the request's encoding") @Nullable String key,

            @Schema(description = "The key, where it is no readable text") @Nullable String keyBase64url,

            @Schema(description = "The value in the request's encoding") @Nullable String value,

            @Schema(description = "The value, where it is no readable text") @Nullable String valueBase64url) {}

    /** A key as text, or as an object. */
    @Schema(
            name = "Key",
            oneOf = {String.class, KeyObjectSchema.class})
    interface KeySchema {}

    @Schema(name = "KeyObject", description = "A key as text or as base64url.")
    record KeyObjectSchema(@Nullable String key, @Nullable String keyBase64url) {}

    @Schema(name = "Pairs")
    record PairsSchema(
            @Schema(requiredMode = Schema.RequiredMode.REQUIRED)
            List<PairSchema> pairs) {}

    @Schema(name = "Keys")
    record KeysSchema(
            @Schema(requiredMode = Schema.RequiredMode.REQUIRED)
            List<KeySchema> keys) {}

    @Schema(name = "ReadPairs")
    record ReadPairsSchema(
            @Schema(requiredMode = Schema.RequiredMode.REQUIRED)
            List<PairSchema> pairs,

            @Schema(description = "Keys that did not fit into the answer") @Nullable List<KeyObjectSchema> unread) {}
}
