package io.rutile.protocol;

import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** Every transactional key on its way in and out. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class MemComparableBenchmark {

    @Param({"20", "200"})
    public int keyBytes;

    private byte[] key = {};
    private byte[] encoded = {};

    @Setup
    public void prepare() {
        key = new byte[keyBytes];
        new SplittableRandom(1).nextBytes(key);
        encoded = MemComparable.encode(key);
    }

    @Benchmark
    public byte[] encode() {
        return MemComparable.encode(key);
    }

    @Benchmark
    public byte[] decode() {
        return MemComparable.decode(encoded);
    }
}
