package io.rutile.cli.verify;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.cli.fault.Nemesis.Blackout;
import io.rutile.cli.workload.RawAppends;
import io.rutile.cli.workload.RawAppends.Stall;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class RawResultTest {

    private static Stall stall(long beginSecond, long endSecond, boolean failed) {
        return new Stall(beginSecond * 1_000_000_000, endSecond * 1_000_000_000, failed);
    }

    @Test
    void whileNoNodeRunsNobodyIsBlamed() {
        RawAppends.Report report = new RawAppends.Report(
                9, 1, 3, 0, List.of(stall(1, 3, false), stall(10, 40, true), stall(50, 54, true)), 0, 0, List.of());

        RawResult result = new RawResult("async", report, List.of(new Blackout(12_000_000_000L, 39_000_000_000L)));

        assertThat(result.longestStall()).isEqualTo(Duration.ofSeconds(4));
        assertThat(result.failedStalls()).isEqualTo(1);
        assertThat(new RawResult("async", report, List.of()).longestStall()).isEqualTo(Duration.ofSeconds(30));
    }

    @Test
    void withoutAStallItIsZero() {
        RawAppends.Report report = new RawAppends.Report(9, 1, 3, 0, List.of(), 0, 0, List.of());

        assertThat(new RawResult("async", report, List.of()).longestStall()).isZero();
    }
}
