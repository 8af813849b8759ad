package io.rutile.gateway.rest;

import io.rutile.client.raw.RawKv.ScanRequest;
import io.rutile.gateway.access.FrontDoor;
import io.rutile.gateway.kv.BatchRead;
import io.rutile.gateway.kv.Deadline;
import io.rutile.gateway.kv.GatewayLimits.Permit;
import io.rutile.gateway.kv.KvOperations;
import io.rutile.protocol.ByteKey;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.RestController;

/** The raw API over HTTP: each method parses, calls the front door once, and says what is answered. */
@RestController
final class RawKvController implements RawKvApi {

    private final FrontDoor door;
    private final TimeParameters times;

    RawKvController(FrontDoor door, TimeParameters times) {
        this.door = door;
        this.times = times;
    }

    @Override
    public CompletableFuture<ResponseEntity<byte[]>> get(
            HttpServletRequest request,
            HttpServletResponse response,
            @Nullable String enc,
            @Nullable String withTtl,
            @Nullable String ifNoneMatch,
            @Nullable String timeout)
            throws IOException {
        ByteKey key = keyOf(request, enc);
        ValueResponse answer = new ValueResponse(request, response, Precondition.of(null, ifNoneMatch));
        Deadline deadline = times.deadline(timeout);
        KvOperations kv = kv(request);
        CompletableFuture<Void> described = ScanParameters.flag(withTtl, "withTtl")
                ? kv.timeToLive(key, deadline).thenAccept(answer::liveFor)
                : CompletableFuture.completedFuture(null);
        return described
                .thenCompose(done -> kv.get(key, deadline))
                .thenCompose(found -> answer.write(found.orElseThrow(
                        () -> ProblemType.KEY_NOT_FOUND.because("no value is stored under this key"))));
    }

    @Override
    public CompletableFuture<ResponseEntity<Void>> put(
            HttpServletRequest request,
            @Nullable String enc,
            @Nullable String ttl,
            @Nullable String ifMatch,
            @Nullable String ifNoneMatch,
            @Nullable String timeout) {
        ByteKey key = keyOf(request, enc);
        byte[] value = AdmissionFilter.body(request);
        Duration life = times.ttl(ttl);
        Deadline deadline = times.deadline(timeout);
        Precondition precondition = Precondition.of(ifMatch, ifNoneMatch);
        if (precondition == Precondition.NONE) {
            return kv(request).put(key, value, life, deadline).thenApply(done -> written(HttpStatus.NO_CONTENT, value));
        }
        return new ConditionalWrite(kv(request), key, precondition, value, life, deadline)
                .run()
                .thenApply(before -> written(before.isEmpty() ? HttpStatus.CREATED : HttpStatus.NO_CONTENT, value));
    }

    @Override
    public CompletableFuture<ResponseEntity<Void>> delete(
            HttpServletRequest request,
            @Nullable String enc,
            @Nullable String ifMatch,
            @Nullable String ifNoneMatch,
            @Nullable String timeout) {
        ByteKey key = keyOf(request, enc);
        Deadline deadline = times.deadline(timeout);
        Precondition precondition = Precondition.of(ifMatch, ifNoneMatch);
        CompletableFuture<?> deleted = precondition == Precondition.NONE
                ? kv(request).delete(key, deadline)
                : new ConditionalWrite(kv(request), key, precondition, null, Duration.ZERO, deadline).run();
        return deleted.thenApply(done -> ResponseEntity.noContent().build());
    }

    @Override
    public CompletableFuture<ResponseEntity<Void>> scan(
            HttpServletRequest request,
            HttpServletResponse response,
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
        // A HEAD asks whether the path is there, not for every key of the cluster.
        return lines.endsWith(
                scan.limit() == 0 || request.getMethod().equals("HEAD")
                        ? CompletableFuture.completedFuture(null)
                        : kv(request).scan(scan, lines));
    }

    @Override
    public CompletableFuture<ResponseEntity<Void>> batchPut(
            HttpServletRequest request, @Nullable String enc, @Nullable String ttl, @Nullable String timeout) {
        var pairs = batch(request, enc).pairs(AdmissionFilter.body(request));
        return kv(request)
                .batchPut(pairs, times.ttl(ttl), times.deadline(timeout))
                .thenApply(done -> ResponseEntity.noContent().build());
    }

    @Override
    public CompletableFuture<ResponseEntity<Void>> batchGet(
            HttpServletRequest request, HttpServletResponse response, @Nullable String enc, @Nullable String timeout)
            throws IOException {
        List<ByteKey> keys = batch(request, enc).keys(AdmissionFilter.body(request));
        Deadline deadline = times.deadline(timeout);
        KvOperations kv = kv(request);
        BatchRead read = new BatchRead(slice -> kv.batchGet(slice, deadline), keys, AdmissionFilter.permit(request));
        ReadResponse answer = new ReadResponse(request, response, KeyEncoding.of(enc));
        return read.run().thenCompose(answer::write);
    }

    @Override
    public CompletableFuture<ResponseEntity<Void>> batchDelete(
            HttpServletRequest request, @Nullable String enc, @Nullable String timeout) {
        List<ByteKey> keys = batch(request, enc).keys(AdmissionFilter.body(request));
        return kv(request)
                .batchDelete(keys, times.deadline(timeout))
                .thenApply(done -> ResponseEntity.noContent().build());
    }

    private KvOperations kv(HttpServletRequest request) {
        return door.raw(CallerFilter.access(request));
    }

    private static ByteKey keyOf(HttpServletRequest request, @Nullable String enc) {
        return RequestKeys.inPath(RoutedRequest.pathAsItCame(request), KeyEncoding.of(enc));
    }

    private static BatchJson batch(HttpServletRequest request, @Nullable String enc) {
        Permit permit = AdmissionFilter.permit(request);
        return new BatchJson(KeyEncoding.of(enc), permit);
    }

    private static ResponseEntity<Void> written(HttpStatus status, byte[] value) {
        return ResponseEntity.status(status).eTag(EntityTag.of(value).quoted()).build();
    }
}
