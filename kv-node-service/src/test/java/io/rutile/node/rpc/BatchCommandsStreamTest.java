package io.rutile.node.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.grpc.stub.ServerCallStreamObserver;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.kvrpcpb.GetRequest;
import io.rutile.protocol.kvrpcpb.LeaderInfo;
import io.rutile.protocol.kvrpcpb.RawGetRequest;
import io.rutile.protocol.kvrpcpb.RawPutRequest;
import io.rutile.protocol.tikvpb.BatchCommandsRequest;
import io.rutile.protocol.tikvpb.BatchCommandsRequest.Request;
import io.rutile.protocol.tikvpb.BatchCommandsResponse;
import io.rutile.storage.Storage;
import io.rutile.storage.StorageOptions;
import io.rutile.storage.command.ApiVersion;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.KvCursor;
import io.rutile.storage.engine.KvSnapshot;
import io.rutile.storage.engine.ReplicatedKv;
import io.rutile.storage.engine.WriteBatch;
import io.rutile.trace.Tracing;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Which thread does what for one stream: the pool here does nothing until it is told to. */
class BatchCommandsStreamTest {

    private final Memory kv = new Memory();
    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final Storage storage = new Storage(kv, StorageOptions.of(ApiVersion.V1), Clock.systemUTC(), metrics);
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    private final Queue<Runnable> pool = new ArrayDeque<>();
    private final List<Integer> together = new ArrayList<>();
    private final Out out = new Out();
    private final BatchCommandsStream stream = open();

    private BatchCommandsStream open() {
        RpcScope scope = new RpcScope(
                1,
                1,
                Duration.ofSeconds(20),
                Duration.ofSeconds(20),
                new RpcMetrics(metrics),
                new SlowRequests(Duration.ofMinutes(1), System::nanoTime, metrics),
                new RpcTraces(Tracing.OFF, 1));
        StoreRpcs store = new StoreRpcs(1, new NoTimestamps(), (ctx, request) -> new CompletableFuture<>());
        BatchCommands commands = new BatchCommands(new RawRpcs(storage), new TxnRpcs(storage), store, scope, timer);
        return new BatchCommandsStream(
                        commands,
                        out,
                        pool::add,
                        body -> {
                            int before = kv.written.size();
                            body.run();
                            together.add(kv.written.size() - before);
                        },
                        ended -> {})
                .open();
    }

    @AfterEach
    void close() {
        storage.close();
        timer.shutdownNow();
    }

    @Test
    void pointReadsAreAnsweredOnTheConnectionsThreadInOneFrame() {
        stream.onNext(frame(rawGet("a"), get("b"), rawGet("c")));

        assertThat(pool).isEmpty();
        assertThat(out.frames).hasSize(1);
        BatchCommandsResponse answers = out.frames.get(0);
        assertThat(answers.getRequestIdsList()).containsExactly(0L, 1L, 2L);
        assertThat(answers.getResponses(0).getRawGet().getValue().toStringUtf8())
                .isEqualTo("of a");
        assertThat(answers.getResponses(1).getGet().getNotFound()).isTrue();
        assertThat(answers.getResponses(2).getRawGet().getValue().toStringUtf8())
                .isEqualTo("of c");
    }

    @Test
    void whatIsBeyondSixteenReadsIsLeftToThePoolSixteenAtATime() {
        stream.onNext(
                frame(IntStream.range(0, 40).mapToObj(i -> rawGet("k" + i)).toArray(Request[]::new)));

        assertThat(out.frames).hasSize(1);
        assertThat(out.frames.get(0).getRequestIdsCount()).isEqualTo(16);
        assertThat(pool).hasSize(2);

        pool.remove().run();
        assertThat(out.frames.get(1).getRequestIdsCount()).isEqualTo(16);
        runPool();
        assertThat(out.frames.get(2).getRequestIdsList())
                .containsExactlyElementsOf(LongStream.range(32, 40).boxed().toList());
    }

    @Test
    void whatMayWaitIsLeftToThePoolAndReachesTheLogTogether() {
        stream.onNext(frame(rawPut("x"), rawGet("a"), rawPut("y")));

        assertThat(kv.written).isEmpty();
        assertThat(out.frames).hasSize(1);
        assertThat(out.frames.get(0).getRequestIdsList()).containsExactly(1L);

        runPool();
        assertThat(kv.written).hasSize(2);
        assertThat(together).containsExactly(2);
        assertThat(out.frames).hasSize(1);

        kv.written.forEach(write -> write.complete(null));
        runPool();
        assertThat(out.frames).hasSize(2);
        assertThat(out.frames.get(1).getRequestIdsList()).containsExactlyInAnyOrder(0L, 2L);
    }

    /** What is left to the pool counts as taken from the first moment, or a half-closed stream would end before it. */
    @Test
    void aHalfClosedStreamWaitsForWhatThePoolHasNotBegun() {
        stream.onNext(frame(rawPut("x")));
        stream.onCompleted();
        Runnable take = pool.remove();
        runPool();
        assertThat(out.completed).isFalse();

        take.run();
        kv.written.forEach(write -> write.complete(null));
        runPool();

        assertThat(out.frames).hasSize(1);
        assertThat(out.completed).isTrue();
    }

    private void runPool() {
        for (Runnable next = pool.poll(); next != null; next = pool.poll()) {
            next.run();
        }
    }

    private static BatchCommandsRequest frame(Request... requests) {
        BatchCommandsRequest.Builder frame = BatchCommandsRequest.newBuilder();
        for (int i = 0; i < requests.length; i++) {
            frame.addRequestIds(i).addRequests(requests[i]);
        }
        return frame.build();
    }

    private static Request rawGet(String key) {
        return Request.newBuilder()
                .setRawGet(RawGetRequest.newBuilder().setKey(ByteString.copyFromUtf8(key)))
                .build();
    }

    private static Request get(String key) {
        return Request.newBuilder()
                .setGet(GetRequest.newBuilder()
                        .setKey(ByteString.copyFromUtf8(key))
                        .setVersion(7))
                .build();
    }

    private static Request rawPut(String key) {
        return Request.newBuilder()
                .setRawPut(RawPutRequest.newBuilder()
                        .setKey(ByteString.copyFromUtf8(key))
                        .setValue(ByteString.copyFromUtf8("new")))
                .build();
    }

    /** Has every raw key and no other, at once; writes take until the test says so. */
    private static final class Memory implements ReplicatedKv {

        private final List<CompletableFuture<Void>> written = new ArrayList<>();

        @Override
        public CompletableFuture<KvSnapshot> snapshot(KvContext ctx) {
            return CompletableFuture.completedFuture(new KvSnapshot() {
                @Override
                public long term() {
                    return 1;
                }

                @Override
                public boolean maxTsSynced() {
                    return true;
                }

                @Override
                public KeyRange range() {
                    return KeyRange.ALL;
                }

                @Override
                public byte @Nullable [] get(Cf cf, ByteKey key) {
                    return cf == Cf.RAW
                            ? ("of " + key.toByteString().toStringUtf8()).getBytes(StandardCharsets.UTF_8)
                            : null;
                }

                @Override
                public KvCursor cursor(Cf cf, KeyRange bounds) {
                    return new NoVersions();
                }

                @Override
                public void close() {}
            });
        }

        @Override
        public CompletableFuture<Void> write(KvContext ctx, WriteBatch batch) {
            CompletableFuture<Void> write = new CompletableFuture<>();
            written.add(write);
            return write;
        }
    }

    private static final class NoTimestamps implements SafeTimestamps {

        @Override
        public long over(KeyRange range) {
            return 0;
        }

        @Override
        public List<Long> heard(List<LeaderInfo> leaders) {
            return List.of();
        }
    }

    private static final class NoVersions implements KvCursor {

        @Override
        public void seek(byte[] key) {}

        @Override
        public void seekForPrev(byte[] key) {}

        @Override
        public void seekToFirst() {}

        @Override
        public void seekToLast() {}

        @Override
        public void next() {}

        @Override
        public void prev() {}

        @Override
        public boolean isValid() {
            return false;
        }

        @Override
        public byte[] key() {
            throw new IllegalStateException();
        }

        @Override
        public byte[] value() {
            throw new IllegalStateException();
        }

        @Override
        public void close() {}
    }

    /** Always has room. */
    private static final class Out extends ServerCallStreamObserver<BatchCommandsResponse> {

        private final List<BatchCommandsResponse> frames = new ArrayList<>();
        private boolean completed;

        @Override
        public void onNext(BatchCommandsResponse frame) {
            frames.add(frame);
        }

        @Override
        public void onError(Throwable failure) {
            throw new AssertionError(failure);
        }

        @Override
        public void onCompleted() {
            completed = true;
        }

        @Override
        public boolean isReady() {
            return true;
        }

        @Override
        public boolean isCancelled() {
            return false;
        }

        @Override
        public void setOnReadyHandler(Runnable handler) {}

        @Override
        public void setOnCancelHandler(Runnable handler) {}

        @Override
        public void disableAutoRequest() {}

        @Override
        public void disableAutoInboundFlowControl() {}

        @Override
        public void request(int count) {}

        @Override
        public void setMessageCompression(boolean enable) {}

        @Override
        public void setCompression(String compression) {}
    }
}
