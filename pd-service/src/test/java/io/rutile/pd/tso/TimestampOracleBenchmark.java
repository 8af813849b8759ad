package io.rutile.pd.tso;

import io.rutile.protocol.TimeStamp;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Threads;

/** What one request for timestamps takes, as many as travel together, from two threads; without the lease and without the window's disk. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Threads(2)
public class TimestampOracleBenchmark {

    @Param({"1", "64"})
    public int count;

    private final TimestampOracle oracle = oracle();

    private static TimestampOracle oracle() {
        InstantSource clock = InstantSource.system();
        TimestampOracle oracle = new TimestampOracle(clock, clock.millis());
        oracle.allowUntil(clock.millis() + TimeUnit.DAYS.toMillis(1));
        return oracle;
    }

    @Benchmark
    public Optional<TimeStamp> next() {
        return oracle.next(count);
    }
}
