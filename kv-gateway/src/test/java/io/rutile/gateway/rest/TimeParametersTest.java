package io.rutile.gateway.rest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TimeParametersTest {

    private final TimeParameters times = new TimeParameters(Duration.ofSeconds(10), Duration.ofSeconds(60));

    @ParameterizedTest
    @CsvSource(nullValues = "-", textBlock = """
            -,      PT0S
            0,      PT0S
            60,     PT1M
            60s,    PT1M
            1000ms, PT1S
            5m,     PT5M
            12h,    PT12H
            30d,    PT720H
            PT1H,   PT1H
            pt90s,  PT1M30S
            P1D,    PT24H
            36500d, PT876000H
            """)
    void timeToLiveIsInWholeSeconds(@Nullable String text, Duration ttl) {
        assertThat(times.ttl(text)).isEqualTo(ttl);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "-1",
                "-1s",
                "1500ms",
                "1.5s",
                "1 s",
                "s",
                "1x",
                "36501d",
                "9223372036854775807d",
                "99999999999999999999",
                "PT",
                "NaN"
            })
    void otherTimesToLiveAreRefused(String text) {
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> times.ttl(text))
                .withMessageStartingWith("ttl is ");
    }

    @ParameterizedTest
    @CsvSource(nullValues = "-", textBlock = """
            -,     10000
            500ms, 500
            2,     2000
            60s,   60000
            PT1M,  60000
            """)
    void aDeadlineCountsFromNow(@Nullable String text, long ms) {
        Duration remaining = times.deadline(text).remaining();

        assertThat(remaining).isBetween(Duration.ofMillis(ms - Math.min(ms / 2, 2_000)), Duration.ofMillis(ms));
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "-1s", "61s", "999us", "", "soon", "1ns"})
    void otherDeadlinesAreRefused(String text) {
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> times.deadline(text))
                .withMessageStartingWith("Rutile-Timeout is ");
    }
}
