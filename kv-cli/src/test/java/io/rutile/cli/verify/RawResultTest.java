package io.rutile.cli.verify;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.cli.fault.Nemesis.Blackout;
import io.rutile.cli.workload.RawAppends;
import io.rutile.cli.workload.RawAppends.Stall;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class RawResultTest {

    private static Stall stall(long beginSecond, long endSecond, String failure) {
        return new Stall(
                beginSecond * 1_000_000_000, endSecond * 1_000_000_000, Instant.ofEpochSecond(endSecond), failure);
    }

    @Test
    void whileNoNodeRunsNobodyIsBlamed() {
        RawAppends.Report report = new RawAppends.Report(
                9,
                1,
                3,
                0,
                List.of(stall(1, 3, ""), stall(10, 40, "dark"), stall(50, 54, "no leader")),
                0,
                0,
                List.of());

        RawResult result = new RawResult("async", report, List.of(new Blackout(12_000_000_000L, 39_000_000_000L)));

        assertThat(result.longestStall()).isEqualTo(Duration.ofSeconds(4));
        assertThat(result.failedStalls()).isEqualTo(1);
        assertThat(new RawResult("async", report, List.of()).longestStall()).isEqualTo(Duration.ofSeconds(30));
    }

    @Test
    void whenTheLongOnesWereIsSaid() {
        RawAppends.Report report = new RawAppends.Report(
                9,
                1,
                3,
                0,
                List.of(stall(1, 3, "short"), stall(10, 40, "dark"), stall(50, 57, ""), stall(70, 76, "no leader")),
                0,
                0,
                List.of());

        assertThat(new RawResult("async", report, List.of(new Blackout(12_000_000_000L, 39_000_000_000L))).longStalls())
                .containsExactly(
                        "a raw client was not served for 7.0 s until 1970-01-01T00:00:57Z: a call took that long",
                        "a raw client was not served for 6.0 s until 1970-01-01T00:01:16Z: no leader");
    }

    @Test
    void withoutAStallItIsZero() {
        RawAppends.Report report = new RawAppends.Report(9, 1, 3, 0, List.of(), 0, 0, List.of());

        assertThat(new RawResult("async", report, List.of()).longestStall()).isZero();
    }
}
