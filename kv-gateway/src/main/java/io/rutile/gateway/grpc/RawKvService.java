package io.rutile.gateway.grpc;

import io.grpc.stub.StreamObserver;
import io.rutile.client.raw.RawKv.ScanRequest;
import io.rutile.gateway.access.FrontDoor;
import io.rutile.gateway.kv.BatchRead;
import io.rutile.gateway.kv.Deadline;
import io.rutile.gateway.kv.Failures;
import io.rutile.gateway.kv.KvOperations;
import io.rutile.gateway.v1.BatchGetResponse;
import io.rutile.gateway.v1.RawBatchDeleteRequest;
import io.rutile.gateway.v1.RawBatchDeleteResponse;
import io.rutile.gateway.v1.RawBatchGetRequest;
import io.rutile.gateway.v1.RawBatchPutRequest;
import io.rutile.gateway.v1.RawBatchPutResponse;
import io.rutile.gateway.v1.RawCompareAndSwapRequest;
import io.rutile.gateway.v1.RawCompareAndSwapResponse;
import io.rutile.gateway.v1.RawDeleteRequest;
import io.rutile.gateway.v1.RawDeleteResponse;
import io.rutile.gateway.v1.RawGetRequest;
import io.rutile.gateway.v1.RawGetResponse;
import io.rutile.gateway.v1.RawKvGrpc;
import io.rutile.gateway.v1.RawPutRequest;
import io.rutile.gateway.v1.RawPutResponse;
import io.rutile.gateway.v1.RawScanRequest;
import io.rutile.gateway.v1.ScanResponse;
import io.rutile.protocol.ByteKey;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** The raw API over gRPC: each method parses, calls the front door once, and says what is answered. */
final class RawKvService extends RawKvGrpc.RawKvImplBase {

    private final FrontDoor door;
    private final CallTimes times;

    RawKvService(FrontDoor door, CallTimes times) {
        this.door = door;
        this.times = times;
    }

    /** In the name of who makes the call whose handler runs on this thread. */
    private KvOperations kv() {
        return door.raw(CallGuard.current().access());
    }

    @Override
    public void get(RawGetRequest request, StreamObserver<RawGetResponse> out) {
        KvOperations kv = kv();
        Deadline deadline = times.deadline();
        Answers.one(
                out,
                permit -> {
                    ByteKey key = Requests.key(request.getKey());
                    CompletableFuture<Optional<Duration>> life = request.getWithTtl()
                            ? kv.timeToLive(key, deadline)
                            : CompletableFuture.completedFuture(Optional.empty());
                    return life.thenCompose(left -> kv.get(key, deadline).thenApply(value -> {
                        RawGetResponse.Builder answer = RawGetResponse.newBuilder();
                        value.ifPresent(found -> {
                            permit.reserve(found.length);
                            answer.setValue(Parts.shared(found));
                            left.filter(ttl -> !ttl.isZero()).ifPresent(ttl -> answer.setTtlSeconds(ttl.toSeconds()));
                        });
                        return answer.build();
                    }));
                },
                Failures::of);
    }

    @Override
    public void put(RawPutRequest request, StreamObserver<RawPutResponse> out) {
        KvOperations kv = kv();
        Deadline deadline = times.deadline();
        Answers.one(
                out,
                permit -> kv.put(
                                Requests.key(request.getKey()),
                                Requests.value(request.getValue()),
                                Requests.ttl(request.getTtlSeconds()),
                                deadline)
                        .thenApply(done -> RawPutResponse.getDefaultInstance()),
                Failures::of);
    }

    @Override
    public void delete(RawDeleteRequest request, StreamObserver<RawDeleteResponse> out) {
        KvOperations kv = kv();
        Deadline deadline = times.deadline();
        Answers.one(
                out,
                permit -> kv.delete(Requests.key(request.getKey()), deadline)
                        .thenApply(done -> RawDeleteResponse.getDefaultInstance()),
                Failures::of);
    }

    @Override
    public void compareAndSwap(RawCompareAndSwapRequest request, StreamObserver<RawCompareAndSwapResponse> out) {
        KvOperations kv = kv();
        Deadline deadline = times.deadline();
        Answers.one(
                out,
                permit -> kv.compareAndSwap(
                                Requests.key(request.getKey()),
                                request.hasExpected() ? Requests.value(request.getExpected()) : null,
                                request.hasUpdate() ? Requests.value(request.getUpdate()) : null,
                                Requests.ttl(request.getTtlSeconds()),
                                deadline)
                        .thenApply(result -> {
                            RawCompareAndSwapResponse.Builder answer =
                                    RawCompareAndSwapResponse.newBuilder().setSwapped(result.succeeded());
                            byte[] previous = result.previous();
                            if (previous != null) {
                                permit.reserve(previous.length);
                                answer.setPrevious(Parts.shared(previous));
                            }
                            return answer.build();
                        }),
                Failures::ofConditional);
    }

    @Override
    public void batchGet(RawBatchGetRequest request, StreamObserver<BatchGetResponse> out) {
        KvOperations kv = kv();
        Deadline deadline = times.deadline();
        Answers.batch(
                out,
                permit -> new BatchRead(
                                slice -> kv.batchGet(slice, deadline), Requests.keys(request.getKeysList()), permit)
                        .run(),
                Failures::of);
    }

    @Override
    public void batchPut(RawBatchPutRequest request, StreamObserver<RawBatchPutResponse> out) {
        KvOperations kv = kv();
        Deadline deadline = times.deadline();
        Answers.one(
                out,
                permit -> kv.batchPut(
                                Requests.distinctPairs(request.getPairsList()),
                                Requests.ttl(request.getTtlSeconds()),
                                deadline)
                        .thenApply(done -> RawBatchPutResponse.getDefaultInstance()),
                Failures::of);
    }

    @Override
    public void batchDelete(RawBatchDeleteRequest request, StreamObserver<RawBatchDeleteResponse> out) {
        KvOperations kv = kv();
        Deadline deadline = times.deadline();
        Answers.one(
                out,
                permit -> kv.batchDelete(Requests.keys(request.getKeysList()), deadline)
                        .thenApply(done -> RawBatchDeleteResponse.getDefaultInstance()),
                Failures::of);
    }

    @Override
    public void scan(RawScanRequest request, StreamObserver<ScanResponse> out) {
        KvOperations kv = kv();
        Answers.scan(
                out,
                consumer -> {
                    ScanRequest scan = Requests.scan(request.getScan());
                    return scan.limit() == 0 ? CompletableFuture.completedFuture(null) : kv.scan(scan, consumer);
                },
                Failures::of);
    }
}
