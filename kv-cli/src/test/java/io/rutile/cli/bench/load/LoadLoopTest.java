package io.rutile.cli.bench.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;

class LoadLoopTest {

    private static final KeySpace KEYS = new KeySpace("l-", 500, 64, 7);
    private static final Dataset DATA = Dataset.loaded(KEYS);

    /** A clock that goes on only when somebody waits or works. */
    private static final class FakeTime implements Time {

        private final AtomicLong now = new AtomicLong(1_000);

        @Override
        public long nanos() {
            return now.get();
        }

        @Override
        public void awaitNanos(long deadlineNanos) {
            now.accumulateAndGet(deadlineNanos, Math::max);
        }

        void pass(long millis) {
            now.addAndGet(TimeUnit.MILLISECONDS.toNanos(millis));
        }
    }

    /** Takes a millisecond for a read, but much longer for one of them. */
    private static FakeSubject stalling(FakeTime time, int at, long stallMs) {
        AtomicInteger reads = new AtomicInteger();
        return new FakeSubject() {
            @Override
            public void read(String key) {
                time.pass(reads.incrementAndGet() == at ? stallMs : 1);
            }
        };
    }

    @Test
    void anOpenLoopShowsAStallInEveryOperationThatItKeptWaiting() throws Exception {
        FakeTime time = new FakeTime();
        Load load = new Load(Workload.GET, Distribution.UNIFORM, CommitWay.ONEPC, 1, 100);

        Outcome outcome = LoadLoop.run(stalling(time, 10, 1_000), load, DATA, Duration.ofSeconds(2), 1, time);

        // One every 10 ms. The tenth takes 1,000 ms; those behind it are served in 1 ms each, so each waits 9 ms less
        // than the one
        // before: 1000, 991, 982, ... 505 are 56 operations of at least half a second.
        assertThat(outcome.latencies().getTotalCount()).isEqualTo(200);
        assertThat(atLeastMs(outcome.latencies(), 500)).isEqualTo(56);
        assertThat(outcome.latencies().getValueAtPercentile(99) / 1e6).isGreaterThan(970);
        assertThat(outcome.errors().counts()).isEmpty();
    }

    /** What the open loop is for: the same stall is one operation here. */
    @Test
    void aClosedLoopShowsItOnceForEachClient() throws Exception {
        FakeTime time = new FakeTime();

        Outcome outcome = LoadLoop.run(
                stalling(time, 10, 1_000), Load.closed(Workload.GET, 1), DATA, Duration.ofSeconds(2), 1, time);

        assertThat(atLeastMs(outcome.latencies(), 500)).isEqualTo(1);
        assertThat(outcome.latencies().getTotalCount()).isEqualTo(1_001);
        assertThat(outcome.latencies().getValueAtPercentile(99) / 1e6).isLessThan(2);
    }

    @Test
    void whatWasNeverSentIsCounted() throws Exception {
        FakeTime time = new FakeTime();
        Load load = new Load(Workload.GET, Distribution.UNIFORM, CommitWay.ONEPC, 1, 100);

        Outcome outcome = LoadLoop.run(stalling(time, 5, 60_000), load, DATA, Duration.ofSeconds(2), 1, time);

        assertThat(outcome.latencies().getTotalCount()).isEqualTo(5);
        assertThat(outcome.errors().counts()).isEqualTo(Map.of("never sent", 195L));
        assertThat(Figures.of(outcome, Map.of(), Duration.ZERO).errorCount()).isEqualTo(195);
    }

    @Test
    void anOpenLoopKeepsItsPaceWhileItIsServed() throws Exception {
        FakeTime time = new FakeTime();
        Load load = new Load(Workload.GET, Distribution.UNIFORM, CommitWay.ONEPC, 1, 100);

        Outcome outcome = LoadLoop.run(stalling(time, -1, 0), load, DATA, Duration.ofSeconds(3), 1, time);

        assertThat(outcome.latencies().getTotalCount()).isEqualTo(300);
        assertThat(outcome.latencies().getMaxValue() / 1e6).isBetween(0.99, 1.01);
        assertThat(Figures.of(outcome, Map.of(), Duration.ZERO).operationsPerSecond())
                .isBetween(99.0, 101.0);
    }

    @Test
    void errorsAreCountedByKindAndNeverTimed() throws Exception {
        AtomicInteger calls = new AtomicInteger();
        FakeSubject failing = new FakeSubject() {
            @Override
            public void read(String key) throws Exception {
                if (calls.incrementAndGet() % 2 == 0) {
                    throw new BenchFailure("missing", "not there");
                }
                throw new IllegalStateException("as told");
            }
        };

        Outcome outcome = LoadLoop.run(failing, Load.closed(Workload.GET, 2), DATA, Duration.ofMillis(30), 1);
        Figures figures = Figures.of(outcome, Map.of("node", Duration.ofSeconds(1)), Duration.ofSeconds(1));

        assertThat(figures.errors()).containsOnlyKeys("missing", "illegalstate");
        assertThat(figures.errorCount()).isEqualTo(calls.get());
        assertThat(figures.firstErrors()).containsEntry("illegalstate", "as told");
        assertThat(figures.operations()).isZero();
        assertThat(figures.serverCpu()).isEmpty();
        assertThat(figures.p99Ms()).isZero();
    }

    @Test
    void aMissIsAnErrorAndNotAFastRead() throws Exception {
        Outcome outcome = LoadLoop.run(new FakeSubject(), Load.closed(Workload.GET, 1), DATA, Duration.ofMillis(20), 1);

        assertThat(outcome.latencies().getTotalCount()).isZero();
        assertThat(outcome.errors().counts()).containsOnlyKeys("missing");
    }

    @Test
    void aClientThatBreaksLeavesNoFigures() {
        FakeSubject broken = new FakeSubject() {
            @Override
            public void read(String key) {
                throw new AssertionError("a bug");
            }
        };

        assertThatThrownBy(() -> LoadLoop.run(broken, Load.closed(Workload.GET, 1), DATA, Duration.ofMillis(20), 1))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("a bug");
    }

    @Test
    void processorTimeIsOfAThousandOperations() throws Exception {
        Histogram latencies = LoadLoop.histogram();
        for (int i = 0; i < 2_000; i++) {
            latencies.recordValue(1_000_000);
        }

        Figures figures = Figures.of(
                new Outcome(latencies, new Errors(), Duration.ofSeconds(4)),
                Map.of("node", Duration.ofMillis(500), "pd", Duration.ofMillis(100)),
                Duration.ofMillis(50));

        assertThat(figures.operationsPerSecond()).isEqualTo(500);
        assertThat(figures.serverCpu()).containsEntry("node", 0.25).containsEntry("pd", 0.05);
        assertThat(figures.serverCpuTotal()).isCloseTo(0.3, org.assertj.core.api.Assertions.within(1e-9));
        assertThat(figures.clientCpu()).isEqualTo(0.025);
    }

    @Test
    void loadsThatCannotBeAreRefused() {
        assertThatThrownBy(() -> Load.closed(Workload.GET, 0)).hasMessageContaining("clients must be 1 to");
        assertThatThrownBy(() -> new Load(Workload.GET, Distribution.UNIFORM, CommitWay.ONEPC, 1, -1))
                .hasMessageContaining("the rate must be");
        assertThatThrownBy(() -> new Load(Workload.GET, Distribution.UNIFORM, CommitWay.ONEPC, 1, Double.NaN))
                .hasMessageContaining("the rate must be");
    }

    private static long atLeastMs(Histogram latencies, long ms) {
        return latencies.getCountBetweenValues(TimeUnit.MILLISECONDS.toNanos(ms), LoadLoop.LATENCY_NANOS_MAX);
    }
}
