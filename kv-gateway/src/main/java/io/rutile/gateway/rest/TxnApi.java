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
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestParam;

/** Transactions as their users see them: paths, parameters and their description in the OpenAPI document. */
@Tag(
        name = "txn",
        description = "Transactions with snapshot isolation: in one call, or open between the requests of one client.")
interface TxnApi extends ApiParameters {

    String TRANSACTION = "/v1/txn/{id}";
    String CALL_EXAMPLE = """
            {"compare": [{"key": "stock/apple", "equals": "3"}, {"key": "order/7", "exists": false}],
             "then": [{"put": {"key": "stock/apple", "value": "2"}}, {"put": {"key": "order/7", "value": "apple"}}],
             "else": [{"get": "stock/apple"}, {"scan": {"prefix": "order/", "limit": 10}}]}""";
    String RESULT_EXAMPLE = """
            {"succeeded": true, "startTs": "451320043462131713", "commitTs": "451320043462131714", "results": [{}, {}]}""";
    String LINES_ARE = "Pairs as lines of JSON, as a raw scan writes them";

    @Operation(
            operationId = "txnExecute",
            summary = "Reads, checks and writes at one moment",
            description =
                    "If all conditions of compare hold, the operations of then are carried out, otherwise those of else; all at one"
                            + " moment, or nothing. Keys of compare are guarded: if one of them is written meanwhile, the answer is"
                            + " a conflict. At most 256 conditions, 256 operations in a branch, 16 MiB of JSON, 16 MiB read.")
    @RequestBody(
            required = true,
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = AtomicCallSchema.class),
                            examples = @ExampleObject(name = "sale", value = CALL_EXAMPLE)))
    @ApiResponse(
            responseCode = "200",
            description = "Which branch was carried out, and what each of its operations read",
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = AtomicResultSchema.class),
                            examples = @ExampleObject(name = "sold", value = RESULT_EXAMPLE)))
    @ApiResponse(ref = "#/components/responses/Conflict", responseCode = "409")
    @ApiResponse(
            responseCode = "422",
            description = "The Idempotency-Key belongs to another request",
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_PROBLEM_JSON_VALUE,
                            schema = @Schema(implementation = Problem.class)))
    @PostMapping(
            path = "/v1/txn/execute",
            consumes = MediaType.APPLICATION_JSON_VALUE,
            produces = MediaType.APPLICATION_JSON_VALUE)
    CompletableFuture<ResponseEntity<Void>> execute(
            @Parameter(hidden = true) HttpServletRequest request,
            @Parameter(hidden = true) HttpServletResponse response,
            @Encoding @RequestParam(required = false) @Nullable String enc,
            @Timeout @RequestHeader(name = TimeParameters.TIMEOUT_HEADER, required = false) @Nullable String timeout,
            @Named @RequestHeader(name = Idempotency.HEADER, required = false) @Nullable String idempotencyKey)
            throws IOException;

    @Operation(
            operationId = "txnSnapshotGet",
            summary = "What is committed under a key",
            description = "Without a transaction: the newest value, or the one at a timestamp.")
    @ApiResponse(
            responseCode = "200",
            description = "The value",
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_OCTET_STREAM_VALUE,
                            schema = @Schema(type = "string", format = "binary")))
    @ApiResponse(ref = "#/components/responses/KeyNotFound", responseCode = "404")
    @KeyInPath
    @GetMapping(path = "/v1/txn/keys/{*key}", produces = MediaType.APPLICATION_OCTET_STREAM_VALUE)
    CompletableFuture<ResponseEntity<byte[]>> snapshotGet(
            @Parameter(hidden = true) HttpServletRequest request,
            @Parameter(hidden = true) HttpServletResponse response,
            @Encoding @RequestParam(required = false) @Nullable String enc,
            @Parameter(
                            description =
                                    "A startTs or commitTs of the last minutes: what was committed then. Nothing: the newest",
                            example = "451320043462131713")
                    @RequestParam(required = false)
                    @Nullable String ts,
            @Timeout @RequestHeader(name = TimeParameters.TIMEOUT_HEADER, required = false) @Nullable String timeout)
            throws IOException;

    @Operation(
            operationId = "txnBegin",
            summary = "Begins a transaction",
            description =
                    "It is rolled back when it gets no request for its idle time, or is open for too long. Its deadline is that of"
                            + " every request of the transaction.")
    @RequestBody(
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = BeginSchema.class)))
    @ApiResponse(
            responseCode = "201",
            description = "It has begun",
            headers = @Header(name = "Location", description = "Its path", schema = @Schema(type = "string")))
    @PostMapping(path = "/v1/txn", produces = MediaType.APPLICATION_JSON_VALUE)
    CompletableFuture<ResponseEntity<Begun>> begin(
            @Parameter(hidden = true) HttpServletRequest request,
            @Timeout @RequestHeader(name = TimeParameters.TIMEOUT_HEADER, required = false) @Nullable String timeout);

    @Operation(
            operationId = "txnGet",
            summary = "The value of a key as the transaction sees it",
            description = "What was committed when it began, or what it has written itself.")
    @ApiResponse(
            responseCode = "200",
            description = "The value",
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_OCTET_STREAM_VALUE,
                            schema = @Schema(type = "string", format = "binary")))
    @ApiResponse(ref = "#/components/responses/KeyNotFound", responseCode = "404")
    @KeyInPath
    @GetMapping(path = TRANSACTION + "/keys/{*key}", produces = MediaType.APPLICATION_OCTET_STREAM_VALUE)
    CompletableFuture<ResponseEntity<byte[]>> get(
            @Parameter(hidden = true) HttpServletRequest request,
            @Parameter(hidden = true) HttpServletResponse response,
            @TransactionId @PathVariable String id,
            @Encoding @RequestParam(required = false) @Nullable String enc,
            @ForUpdate @RequestParam(required = false) @Nullable String forUpdate)
            throws IOException;

    @Operation(operationId = "txnPut", summary = "Writes a key when the transaction commits")
    @RequestBody(
            description = "The value: any bytes, at most 8 MiB - 64 KiB. Its media type is not kept.",
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_OCTET_STREAM_VALUE,
                            schema = @Schema(type = "string", format = "binary")))
    @ApiResponse(responseCode = "204", description = "It is part of the transaction", content = @Content)
    @KeyInPath
    @PutMapping(path = TRANSACTION + "/keys/{*key}")
    CompletableFuture<ResponseEntity<Void>> put(
            @Parameter(hidden = true) HttpServletRequest request,
            @TransactionId @PathVariable String id,
            @Encoding @RequestParam(required = false) @Nullable String enc);

    @Operation(operationId = "txnDelete", summary = "Deletes a key when the transaction commits")
    @ApiResponse(responseCode = "204", description = "It is part of the transaction", content = @Content)
    @KeyInPath
    @DeleteMapping(path = TRANSACTION + "/keys/{*key}")
    CompletableFuture<ResponseEntity<Void>> delete(
            @Parameter(hidden = true) HttpServletRequest request,
            @TransactionId @PathVariable String id,
            @Encoding @RequestParam(required = false) @Nullable String enc);

    @Operation(
            operationId = "txnScan",
            summary = "Streams pairs in key order, as the transaction sees them",
            description =
                    "A line a pair. If the last line is {\"problem\": …}, or the connection breaks, what came before is not all.")
    @ApiResponse(
            responseCode = "200",
            description = LINES_ARE,
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_NDJSON_VALUE,
                            schema = @Schema(implementation = RawKvApi.PairSchema.class),
                            examples = @ExampleObject(name = "lines", value = RawKvApi.LINES_EXAMPLE)))
    @GetMapping(path = TRANSACTION + "/keys", produces = MediaType.APPLICATION_NDJSON_VALUE)
    CompletableFuture<ResponseEntity<Void>> scan(
            @Parameter(hidden = true) HttpServletRequest request,
            @Parameter(hidden = true) HttpServletResponse response,
            @TransactionId @PathVariable String id,
            @Start @RequestParam(required = false) @Nullable String start,
            @End @RequestParam(required = false) @Nullable String end,
            @Prefix @RequestParam(required = false) @Nullable String prefix,
            @Limit @RequestParam(required = false) @Nullable String limit,
            @Reverse @RequestParam(required = false) @Nullable String reverse,
            @KeysOnly @RequestParam(required = false) @Nullable String keysOnly,
            @Encoding @RequestParam(required = false) @Nullable String enc)
            throws IOException;

    @Operation(
            operationId = "txnBatchGet",
            summary = "Reads many keys as the transaction sees them",
            description =
                    "At most 10,240 keys. After 16 MiB of values the rest of the keys stand in \"unread\": ask for them again.")
    @RequestBody(
            required = true,
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = RawKvApi.KeysSchema.class),
                            examples = @ExampleObject(name = "keys", value = RawKvApi.KEYS_EXAMPLE)))
    @ApiResponse(
            responseCode = "200",
            description = "The pairs, in the order of the request",
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = RawKvApi.ReadPairsSchema.class)))
    @PostMapping(
            path = TRANSACTION + "/batchGet",
            consumes = MediaType.APPLICATION_JSON_VALUE,
            produces = MediaType.APPLICATION_JSON_VALUE)
    CompletableFuture<ResponseEntity<Void>> batchGet(
            @Parameter(hidden = true) HttpServletRequest request,
            @Parameter(hidden = true) HttpServletResponse response,
            @TransactionId @PathVariable String id,
            @Encoding @RequestParam(required = false) @Nullable String enc,
            @ForUpdate @RequestParam(required = false) @Nullable String forUpdate)
            throws IOException;

    @Operation(operationId = "txnBatchPut", summary = "Writes many keys when the transaction commits")
    @RequestBody(
            required = true,
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = RawKvApi.PairsSchema.class),
                            examples = @ExampleObject(name = "pairs", value = RawKvApi.PAIR_EXAMPLE)))
    @ApiResponse(responseCode = "204", description = "They are part of the transaction", content = @Content)
    @PostMapping(path = TRANSACTION + "/batchPut", consumes = MediaType.APPLICATION_JSON_VALUE)
    CompletableFuture<ResponseEntity<Void>> batchPut(
            @Parameter(hidden = true) HttpServletRequest request,
            @TransactionId @PathVariable String id,
            @Encoding @RequestParam(required = false) @Nullable String enc);

    @Operation(operationId = "txnBatchDelete", summary = "Deletes many keys when the transaction commits")
    @RequestBody(
            required = true,
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = RawKvApi.KeysSchema.class),
                            examples = @ExampleObject(name = "keys", value = RawKvApi.KEYS_EXAMPLE)))
    @ApiResponse(responseCode = "204", description = "They are part of the transaction", content = @Content)
    @PostMapping(path = TRANSACTION + "/batchDelete", consumes = MediaType.APPLICATION_JSON_VALUE)
    CompletableFuture<ResponseEntity<Void>> batchDelete(
            @Parameter(hidden = true) HttpServletRequest request,
            @TransactionId @PathVariable String id,
            @Encoding @RequestParam(required = false) @Nullable String enc);

    @Operation(
            operationId = "txnLock",
            summary = "Guards keys against writes of others",
            description =
                    "Pessimistic: the locks are held when it is answered. Optimistic: the commit ends in a conflict if one of the"
                            + " keys was written since the transaction began.")
    @RequestBody(
            required = true,
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = RawKvApi.KeysSchema.class),
                            examples = @ExampleObject(name = "keys", value = RawKvApi.KEYS_EXAMPLE)))
    @ApiResponse(responseCode = "204", description = "They are guarded", content = @Content)
    @ApiResponse(ref = "#/components/responses/Conflict", responseCode = "409")
    @PostMapping(path = TRANSACTION + "/lock", consumes = MediaType.APPLICATION_JSON_VALUE)
    CompletableFuture<ResponseEntity<Void>> lock(
            @Parameter(hidden = true) HttpServletRequest request,
            @TransactionId @PathVariable String id,
            @Encoding @RequestParam(required = false) @Nullable String enc);

    @Operation(
            operationId = "txnCommit",
            summary = "Commits",
            description =
                    "All writes become visible at commitTs, or none does. The transaction has ended, whatever is answered; asked"
                            + " again, the same is answered for a while.")
    @ApiResponse(responseCode = "200", description = "It is committed")
    @ApiResponse(ref = "#/components/responses/Conflict", responseCode = "409")
    @PostMapping(path = TRANSACTION + "/commit", produces = MediaType.APPLICATION_JSON_VALUE)
    CompletableFuture<ResponseEntity<Committed>> commit(
            HttpServletRequest request,
            @TransactionId @PathVariable String id,
            @Named @RequestHeader(name = Idempotency.HEADER, required = false) @Nullable String idempotencyKey);

    @Operation(
            operationId = "txnRollback",
            summary = "Ends a transaction without writing anything",
            description = "Harmless when asked again.")
    @ApiResponse(responseCode = "204", description = "Nothing of it is written", content = @Content)
    @DeleteMapping(path = TRANSACTION)
    CompletableFuture<ResponseEntity<Void>> rollback(
            HttpServletRequest request, @TransactionId @PathVariable String id);

    /**
     * A transaction that has begun.
     *
     * @param startTs the moment that it reads
     */
    @Schema(name = "BegunTransaction")
    record Begun(
            @Schema(
                    description = "Where callers are asked who they are, it is good for its beginner only",
                    example = "0f8fad5bd9cb469fa16570867728950e")
            String id,

            @Schema(description = "The moment that it reads", example = "451320043462131713")
            String startTs,

            @Schema(description = "How long it may wait for its next request, in ms", example = "30000")
            long idleTimeoutMs,

            @Schema(description = "How long it may be open, in ms", example = "300000")
            long lifetimeMs) {}

    /** The answer to a commit. */
    @Schema(name = "CommittedTransaction")
    record Committed(
            @Schema(
                    description = "The moment from which others see its writes; startTs if it wrote nothing",
                    example = "451320043462131714")
            String commitTs) {}

    /** {@link BeginJson}, for the document. */
    @Schema(name = "BeginOptions")
    record BeginSchema(
            @Schema(
                    description = "Lock keys while the transaction runs, instead of at its commit",
                    defaultValue = "false")
            boolean pessimistic,

            @Schema(description = "How long a lock of another is waited for", example = "500ms", defaultValue = "5s")
            @Nullable String lockWait) {}

    /** {@link AtomicCallJson}, for the document. */
    @Schema(name = "AtomicCall", description = "What is compared, and what is then done.")
    record AtomicCallSchema(
            @Nullable List<ConditionSchema> compare,

            @Schema(description = "What is done if all conditions hold") @Nullable List<OperationSchema> then,

            @Schema(name = "else", description = "What is done otherwise") @Nullable List<OperationSchema> otherwise) {}

    /** A condition, for the document. */
    @Schema(name = "Condition", description = "A key, and either its value or whether it is there.")
    record ConditionSchema(
            @Nullable String key,
            @Nullable String keyBase64url,
            @Nullable String equals,
            @Nullable String equalsBase64url,
            @Nullable Boolean exists) {}

    /** An operation, for the document. */
    @Schema(name = "Operation", description = "Exactly one of its properties.")
    record OperationSchema(
            RawKvApi.@Nullable KeySchema get,
            RawKvApi.@Nullable PairSchema put,
            RawKvApi.@Nullable KeySchema delete,
            @Nullable ScanSchema scan) {}

    /** A scan in an atomic call, for the document. */
    @Schema(
            name = "ScanOperation",
            description = "A range and how many pairs of it. Each bound may end in Base64url instead.")
    record ScanSchema(
            @Nullable String prefix,
            @Nullable String start,
            @Nullable String end,

            @Schema(minimum = "1", maximum = "10240", requiredMode = Schema.RequiredMode.REQUIRED)
            int limit,

            @Nullable Boolean reverse,
            @Nullable Boolean keysOnly) {}

    /** What an atomic call answers, for the document. */
    @Schema(name = "AtomicCallResult")
    record AtomicResultSchema(
            @Schema(description = "Whether all conditions held")
            boolean succeeded,

            @Schema(description = "The moment that was read")
            String startTs,

            @Schema(description = "The moment from which others see the writes, if there were any") @Nullable String commitTs,

            @Schema(
                    description =
                            "What each operation of the branch read, in order; a key that is not there has no pair")
            List<OperationResultSchema> results) {}

    /** What an operation read, for the document. */
    @Schema(name = "OperationResult")
    record OperationResultSchema(@Nullable List<RawKvApi.PairSchema> pairs) {}
}
