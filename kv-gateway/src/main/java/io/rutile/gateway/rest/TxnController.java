package io.rutile.gateway.rest;

import io.rutile.client.raw.RawKv.ScanRequest;
import io.rutile.client.rpc.Futures;
import io.rutile.client.txn.TxnOptions;
import io.rutile.gateway.access.FrontDoor;
import io.rutile.gateway.access.TxnDoor;
import io.rutile.gateway.kv.AtomicCall;
import io.rutile.gateway.kv.BatchRead;
import io.rutile.gateway.kv.Deadline;
import io.rutile.gateway.kv.IdempotencyKey;
import io.rutile.gateway.kv.OpenTransaction;
import io.rutile.gateway.kv.ReadView;
import io.rutile.gateway.kv.TxnSessions;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.RestController;

/** Transactions over HTTP: each method parses, calls the front door once, and says what is answered. */
@RestController
final class TxnController implements TxnApi {

    private final FrontDoor door;
    private final TimeParameters times;

    TxnController(FrontDoor door, TimeParameters times) {
        this.door = door;
        this.times = times;
    }

    // ---- without a session

    @Override
    public CompletableFuture<ResponseEntity<Void>> execute(
            HttpServletRequest request,
            HttpServletResponse response,
            @Nullable String enc,
            @Nullable String timeout,
            @Nullable String idempotencyKey)
            throws IOException {
        KeyEncoding encoding = KeyEncoding.of(enc);
        Duration limit = times.timeout(timeout);
        var permit = AdmissionFilter.permit(request);
        AtomicCall call = new AtomicCallJson(encoding, permit).call(AdmissionFilter.body(request));
        ReadResponse answer = new ReadResponse(request, response, encoding);
        TxnDoor txn = txn(request);
        IdempotencyKey key = Idempotency.of(request, txn, "execute?enc=" + encoding, AdmissionFilter.body(request));
        return (key == null
                        ? told(txn.execute(call, limit, BatchRead.ANSWER_BYTES_MAX, permit), Problems::ofAtomicCall)
                        : told(
                                txn.executeOnce(key, call, limit, BatchRead.ANSWER_BYTES_MAX, permit),
                                Problems::ofIdempotent))
                .thenCompose(result -> answer.write(call, result));
    }

    @Override
    public CompletableFuture<ResponseEntity<byte[]>> snapshotGet(
            HttpServletRequest request,
            HttpServletResponse response,
            @Nullable String enc,
            @Nullable String ts,
            @Nullable String timeout)
            throws IOException {
        ByteKey key = keyOf(request, enc);
        Deadline deadline = times.deadline(timeout);
        CompletableFuture<ReadView> view =
                ts == null ? txn(request).newest(deadline) : txn(request).snapshot(timestamp(ts), deadline);
        return found(request, response, view.thenCompose(snapshot -> snapshot.get(key)));
    }

    private static TimeStamp timestamp(String text) {
        try {
            TimeStamp ts = new TimeStamp(Long.parseUnsignedLong(text));
            if (text.charAt(0) != '+' && !ts.equals(TimeStamp.ZERO)) {
                return ts;
            }
        } catch (NumberFormatException e) {
            // Told below, in the same words as zero.
        }
        throw ProblemType.INVALID_REQUEST.because("ts is a startTs or commitTs: a number from 1 to 2^64-1");
    }

    // ---- the life of a session

    @Override
    public CompletableFuture<ResponseEntity<Begun>> begin(HttpServletRequest request, @Nullable String timeout) {
        byte[] body = AdmissionFilter.body(request);
        if (body.length > 0 && !isJson(request.getContentType())) {
            throw ProblemType.UNSUPPORTED_MEDIA_TYPE.because("the options are " + MediaType.APPLICATION_JSON_VALUE);
        }
        TxnOptions options = BeginJson.options(body, times.timeout(timeout), times);
        TxnSessions.Limits limits = door.txnLimits();
        return told(txn(request).begin(options), Problems::ofTransaction)
                .thenApply(opened -> ResponseEntity.created(URI.create("/v1/txn/" + opened.id()))
                        .body(new Begun(
                                opened.id(),
                                opened.startTs().toString(),
                                limits.idleMax().toMillis(),
                                limits.lifeMax().toMillis())));
    }

    private static boolean isJson(@Nullable String contentType) {
        try {
            return contentType != null && MediaType.APPLICATION_JSON.includes(MediaType.parseMediaType(contentType));
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    @Override
    public CompletableFuture<ResponseEntity<Committed>> commit(
            HttpServletRequest request, String id, @Nullable String idempotencyKey) {
        TxnDoor txn = txn(request);
        IdempotencyKey key = Idempotency.of(request, txn, "commit", id.getBytes(StandardCharsets.US_ASCII));
        return (key == null
                        ? told(txn.commit(id), Problems::ofCommit)
                        : told(txn.commitOnce(id, key, times.timeout(null)), Problems::ofNamedCommit))
                .thenApply(commitTs -> ResponseEntity.ok(new Committed(commitTs.toString())));
    }

    @Override
    public CompletableFuture<ResponseEntity<Void>> rollback(HttpServletRequest request, String id) {
        return told(txn(request).rollback(id), Problems::ofTransaction).thenApply(TxnController::done);
    }

    // ---- reads of a session

    @Override
    public CompletableFuture<ResponseEntity<byte[]>> get(
            HttpServletRequest request,
            HttpServletResponse response,
            String id,
            @Nullable String enc,
            @Nullable String forUpdate)
            throws IOException {
        ByteKey key = keyOf(request, enc);
        boolean lock = ScanParameters.flag(forUpdate, "forUpdate");
        return found(
                request,
                response,
                txn(request)
                        .call(
                                id,
                                txn -> lock
                                        ? txn.batchGetForUpdate(List.of(key))
                                                .thenApply(values -> Optional.ofNullable(values.get(key)))
                                        : txn.get(key)));
    }

    @Override
    public CompletableFuture<ResponseEntity<Void>> scan(
            HttpServletRequest request,
            HttpServletResponse response,
            String id,
            @Nullable String start,
            @Nullable String end,
            @Nullable String prefix,
            @Nullable String limit,
            @Nullable String reverse,
            @Nullable String keysOnly,
            @Nullable String enc)
            throws IOException {
        KeyEncoding encoding = KeyEncoding.of(enc);
        ScanRequest scan = ScanParameters.parse(start, end, prefix, limit, reverse, keysOnly, encoding);
        ScanResponse lines = new ScanResponse(request, response, encoding, scan.keysOnly());
        boolean nothing = scan.limit() == 0 || request.getMethod().equals("HEAD");
        return lines.endsWith(told(
                txn(request).call(id, txn -> nothing ? CompletableFuture.completedFuture(null) : txn.scan(scan, lines)),
                Problems::ofTransaction));
    }

    @Override
    public CompletableFuture<ResponseEntity<Void>> batchGet(
            HttpServletRequest request,
            HttpServletResponse response,
            String id,
            @Nullable String enc,
            @Nullable String forUpdate)
            throws IOException {
        List<ByteKey> keys = batch(request, enc).keys(AdmissionFilter.body(request));
        boolean lock = ScanParameters.flag(forUpdate, "forUpdate");
        ReadResponse answer = new ReadResponse(request, response, KeyEncoding.of(enc));
        return told(
                        txn(request)
                                .call(
                                        id,
                                        txn -> new BatchRead(
                                                        lock ? txn::batchGetForUpdate : txn::batchGet,
                                                        keys,
                                                        AdmissionFilter.permit(request))
                                                .run()),
                        Problems::ofTransaction)
                .thenCompose(answer::write);
    }

    // ---- writes of a session

    @Override
    public CompletableFuture<ResponseEntity<Void>> put(HttpServletRequest request, String id, @Nullable String enc) {
        ByteKey key = keyOf(request, enc);
        byte[] value = AdmissionFilter.body(request);
        return write(request, id, txn -> txn.put(key, value));
    }

    @Override
    public CompletableFuture<ResponseEntity<Void>> delete(HttpServletRequest request, String id, @Nullable String enc) {
        ByteKey key = keyOf(request, enc);
        return write(request, id, txn -> txn.delete(key));
    }

    @Override
    public CompletableFuture<ResponseEntity<Void>> batchPut(
            HttpServletRequest request, String id, @Nullable String enc) {
        Map<ByteKey, byte[]> pairs = batch(request, enc).pairs(AdmissionFilter.body(request));
        return write(request, id, txn -> pairs.forEach(txn::put));
    }

    @Override
    public CompletableFuture<ResponseEntity<Void>> batchDelete(
            HttpServletRequest request, String id, @Nullable String enc) {
        List<ByteKey> keys = batch(request, enc).keys(AdmissionFilter.body(request));
        return write(request, id, txn -> keys.forEach(txn::delete));
    }

    @Override
    public CompletableFuture<ResponseEntity<Void>> lock(HttpServletRequest request, String id, @Nullable String enc) {
        List<ByteKey> keys = batch(request, enc).keys(AdmissionFilter.body(request));
        return told(txn(request).call(id, txn -> txn.lockKeys(keys)), Problems::ofTransaction)
                .thenApply(TxnController::done);
    }

    private CompletableFuture<ResponseEntity<Void>> write(
            HttpServletRequest request, String id, Consumer<OpenTransaction> writes) {
        return told(
                        txn(request).<Void>call(id, txn -> {
                            writes.accept(txn);
                            return CompletableFuture.completedFuture(null);
                        }),
                        Problems::ofTransaction)
                .thenApply(TxnController::done);
    }

    // ---- what they share

    private static CompletableFuture<ResponseEntity<byte[]>> found(
            HttpServletRequest request, HttpServletResponse response, CompletableFuture<Optional<byte[]>> value)
            throws IOException {
        ValueResponse answer = new ValueResponse(request, response, Precondition.NONE);
        return told(value, Problems::ofTransaction)
                .thenCompose(found -> answer.write(found.orElseThrow(
                        () -> ProblemType.KEY_NOT_FOUND.because("no value is stored under this key"))));
    }

    private TxnDoor txn(HttpServletRequest request) {
        return door.txn(CallerFilter.access(request));
    }

    private static <T> CompletableFuture<T> told(CompletableFuture<T> outcome, Function<Throwable, Problem> words) {
        return outcome.exceptionallyCompose(failure -> {
            Throwable cause = Futures.causeOf(failure);
            // A client that is gone is no problem of anybody's.
            return CompletableFuture.failedFuture(
                    cause instanceof IOException ? cause : new ProblemException(words.apply(cause)));
        });
    }

    private static ResponseEntity<Void> done(@Nullable Void nothing) {
        return ResponseEntity.noContent().build();
    }

    private static ByteKey keyOf(HttpServletRequest request, @Nullable String enc) {
        return RequestKeys.inPath(RoutedRequest.pathAsItCame(request), KeyEncoding.of(enc));
    }

    private static BatchJson batch(HttpServletRequest request, @Nullable String enc) {
        return new BatchJson(KeyEncoding.of(enc), AdmissionFilter.permit(request));
    }
}
