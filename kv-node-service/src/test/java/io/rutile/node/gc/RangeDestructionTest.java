package io.rutile.node.gc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.UnsafeDestroyRangeRequest;
import io.rutile.protocol.kvrpcpb.UnsafeDestroyRangeResponse;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.RocksEngine;
import io.rutile.storage.engine.RocksOptions;
import io.rutile.storage.engine.WriteBatch;
import io.rutile.storage.mvcc.MvccKey;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RangeDestructionTest {

    @TempDir
    Path dir;

    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private RocksEngine engine;
    private RangeDestruction destruction;

    @BeforeEach
    void start() {
        engine = RocksEngine.open(dir, RocksOptions.withMemory(32 << 20));
        destruction = new RangeDestruction(engine, metrics);
    }

    @AfterEach
    void stop() {
        destruction.close();
        engine.close();
    }

    private static KvContext ctx(Duration left) {
        return KvContext.of(Context.getDefaultInstance(), System.nanoTime() + left.toNanos());
    }

    private static UnsafeDestroyRangeRequest range(String start, String end) {
        return UnsafeDestroyRangeRequest.newBuilder()
                .setStartKey(ByteString.copyFromUtf8(start))
                .setEndKey(ByteString.copyFromUtf8(end))
                .build();
    }

    private UnsafeDestroyRangeResponse destroy(String start, String end) throws Exception {
        return destruction
                .destroy(ctx(Duration.ofSeconds(20)), range(start, end))
                .get(20, TimeUnit.SECONDS);
    }

    /** A lock, and a version as the write and default families have it. */
    private void fill(String... users) {
        WriteBatch batch = new WriteBatch();
        for (String user : users) {
            byte[] encoded = encoded(user).bytes();
            ByteKey version = ByteKey.wrap(Arrays.copyOf(encoded, encoded.length + Long.BYTES));
            batch.put(Cf.LOCK, encoded(user), new byte[1]);
            batch.put(Cf.WRITE, version, new byte[1]);
            batch.put(Cf.DEFAULT, version, new byte[1]);
            batch.put(Cf.RAW, ByteKey.wrap(encoded), new byte[1]);
        }
        engine.write(batch, false);
    }

    private static ByteKey encoded(String user) {
        return MvccKey.of(ByteString.copyFromUtf8(user)).encoded();
    }

    private boolean holds(String user) {
        byte[] encoded = encoded(user).bytes();
        byte[] version = Arrays.copyOf(encoded, encoded.length + Long.BYTES);
        boolean lock = engine.get(Cf.LOCK, encoded) != null;
        assertThat(engine.get(Cf.WRITE, version) != null).isEqualTo(lock);
        assertThat(engine.get(Cf.DEFAULT, version) != null).isEqualTo(lock);
        assertThat(engine.get(Cf.RAW, encoded)).as("raw pairs stay").isNotNull();
        return lock;
    }

    @Test
    void everythingBetweenTheBoundsIsGoneAndNothingElse() throws Exception {
        fill("a", "b", "b-and-more", "c", "d");
        engine.flush();
        fill("bb");

        assertThat(destroy("b", "c")).isEqualTo(UnsafeDestroyRangeResponse.getDefaultInstance());

        assertThat(List.of("b", "b-and-more", "bb")).noneMatch(this::holds);
        assertThat(List.of("a", "c", "d")).allMatch(this::holds);
        assertThat(metrics.get("kv.gc.ranges.destroyed").counter().count()).isEqualTo(1);
    }

    @Test
    void whatIsDestroyedIsGoneAfterARestart() throws Exception {
        fill("a", "b", "c");
        destroy("b", "c");
        engine.close();

        engine = RocksEngine.open(dir, RocksOptions.withMemory(32 << 20));

        assertThat(holds("a")).isTrue();
        assertThat(holds("b")).isFalse();
    }

    @Test
    void bothBoundsMustBeGiven() throws Exception {
        fill("a", "b");

        assertThat(destroy("", "b").getError()).contains("both");
        assertThat(destroy("a", "").getError()).contains("both");
        assertThat(destroy("", "").getError()).contains("both");

        assertThat(List.of("a", "b")).allMatch(this::holds);
    }

    @Test
    void aRangeThatEndsBeforeItBeginsHoldsNothing() throws Exception {
        fill("a", "b");

        assertThat(destroy("b", "a").getError()).isEmpty();
        assertThat(destroy("a", "a").getError()).isEmpty();

        assertThat(List.of("a", "b")).allMatch(this::holds);
    }

    @Test
    void anOrderWhoseTimeIsOverIsNotCarriedOut() throws Exception {
        fill("a");

        UnsafeDestroyRangeResponse answer = destruction
                .destroy(ctx(Duration.ofSeconds(-1)), range("a", "b"))
                .get(20, TimeUnit.SECONDS);

        assertThat(answer.hasRegionError()).isTrue();
        assertThat(holds("a")).isTrue();
    }

    @Test
    void r9_anEngineThatFailsIsAnErrorInTheAnswer() throws Exception {
        engine.close();

        assertThat(destroy("a", "b").getError()).contains("closed");
    }

    @Test
    void r10_ordersThatNobodyCanCarryOutSoonAreBusy() {
        List<CompletableFuture<UnsafeDestroyRangeResponse>> answers = new ArrayList<>();

        for (int i = 0; i < 1_000; i++) {
            answers.add(destruction.destroy(ctx(Duration.ofSeconds(20)), range("a", "b")));
        }

        long busy = answers.stream()
                .map(CompletableFuture::join)
                .filter(answer -> answer.getRegionError().hasServerIsBusy())
                .count();
        assertThat(busy).isPositive();
        assertThat(metrics.get("kv.gc.ranges.refused").counter().count()).isEqualTo((double) busy);
        assertThat(metrics.get("kv.gc.ranges.destroyed").counter().count()).isEqualTo((double) (1_000 - busy));
    }

    @Test
    void aStoreThatStopsSaysThatItIsBusy() throws Exception {
        fill("a");
        destruction.close();

        assertThat(destroy("a", "b").getRegionError().hasServerIsBusy()).isTrue();

        assertThat(holds("a")).isTrue();
    }
}
