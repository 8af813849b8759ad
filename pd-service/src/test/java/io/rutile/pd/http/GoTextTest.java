package io.rutile.pd.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GoTextTest {

    @ParameterizedTest
    @CsvSource({
        "0,0B",
        "1023,1023B",
        "1024,1KiB",
        "1649267441664,1.5TiB",
        "107374182400,100GiB",
        "105088212992,97.87GiB",
        "9223372036854775807,8EiB"
    })
    void sizesAreShort(long bytes, String text) {
        assertThat(GoText.bytes(bytes)).isEqualTo(text);
    }

    @ParameterizedTest
    @CsvSource({"PT30M,30m0s", "PT0S,0s", "PT1H2M3.5S,1h2m3.5s", "PT24H,24h0m0s", "PT20S,20s"})
    void durationsArePrintedAndRead(Duration duration, String text) {
        assertThat(GoText.duration(duration)).isEqualTo(text);
        if (!duration.isZero()) {
            assertThat(GoText.parseDuration(text, "x")).isEqualTo(duration);
        }
    }

    @ParameterizedTest
    @CsvSource({"1.5h,PT1H30M", "1500ms,PT1.5S", "90m,PT1H30M"})
    void durationsAreReadInAnyUnit(String text, Duration duration) {
        assertThat(GoText.parseDuration(text, "x")).isEqualTo(duration);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "30", "-1m", "1d", "1m30", "m", "1 m", "999999999999999999h"})
    void whatIsNoDurationIsRefused(String text) {
        assertThatThrownBy(() -> GoText.parseDuration(text, "max-store-down-time"))
                .isInstanceOf(ApiError.class)
                .hasMessageContaining("max-store-down-time must be a duration");
    }
}
