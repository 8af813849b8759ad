package io.rutile.storage.command;

import io.rutile.protocol.ByteKey;
import io.rutile.storage.engine.Cf;
import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Threads;

/** A command's latches, taken and released by two threads: of keys that hardly ever meet, and of one key that all want. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Threads(2)
public class LatchesBenchmark {

    private static final int DIFFERENT_KEYS = 1 << 20;
    private static final int WAITERS_MAX = 1_024;

    private final Latches latches = new Latches(1 << 15, WAITERS_MAX);
    private final LatchSet hot = LatchSet.builder().exclusive(Cf.LOCK, key(0)).build();

    /** Each thread draws its own keys. */
    @State(Scope.Thread)
    public static class Draws {

        @Param({"1", "8"})
        public int keys;

        private final SplittableRandom random =
                new SplittableRandom(Thread.currentThread().getId());
    }

    private static ByteKey key(long i) {
        return ByteKey.wrap(ByteBuffer.allocate(20).putLong(12, i).array());
    }

    private void pass(LatchSet wanted) {
        // Who has to wait gets its turn on the thread that releases: nobody blocks.
        var unused = latches.acquire(wanted).thenAccept(Latches.Held::release);
    }

    @Benchmark
    public void differentKeys(Draws draws) {
        LatchSet.Builder wanted = LatchSet.builder();
        for (int i = 0; i < draws.keys; i++) {
            wanted.exclusive(Cf.LOCK, key(draws.random.nextInt(DIFFERENT_KEYS)));
        }
        pass(wanted.build());
    }

    @Benchmark
    public void oneHotKey() {
        pass(hot);
    }
}
