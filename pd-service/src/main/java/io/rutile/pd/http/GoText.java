package io.rutile.pd.http;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes, durations and times as tools written in Go print and parse them. */
final class GoText {

    private static final String[] UNITS = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    private static final Pattern PART = Pattern.compile("([0-9]{1,18}(?:\\.[0-9]{1,9})?)(ns|us|µs|ms|s|m|h)");
    private static final Map<String, Long> NANOS = Map.of(
            "ns", 1L,
            "us", 1_000L,
            "µs", 1_000L,
            "ms", 1_000_000L,
            "s", 1_000_000_000L,
            "m", 60_000_000_000L,
            "h", 3_600_000_000_000L);

    private GoText() {}

    /** Four significant digits and a binary unit: {@code 1.5TiB}. */
    static String bytes(long bytes) {
        double value = Math.max(0, bytes);
        int unit = 0;
        while (value >= 1024 && unit < UNITS.length - 1) {
            value /= 1024;
            unit++;
        }
        BigDecimal shown = new BigDecimal(value).round(new MathContext(4, RoundingMode.HALF_UP));
        return (shown.signum() == 0 ? "0" : shown.stripTrailingZeros().toPlainString()) + UNITS[unit];
    }

    /** {@code 1h2m3.5s}; fractions of a second to milliseconds. */
    static String duration(Duration duration) {
        if (duration.isZero() || duration.isNegative()) {
            return "0s";
        }
        long hours = duration.toHours();
        int minutes = duration.toMinutesPart();
        BigDecimal seconds = BigDecimal.valueOf(duration.toMillis() % 60_000, 3).stripTrailingZeros();
        StringBuilder text = new StringBuilder();
        if (hours > 0) {
            text.append(hours).append('h');
        }
        if (hours > 0 || minutes > 0) {
            text.append(minutes).append('m');
        }
        return text.append(seconds.toPlainString()).append('s').toString();
    }

    /** @throws ApiError 400 if it is not a positive duration such as {@code 30m} or {@code 1h30m} */
    static Duration parseDuration(String text, String name) {
        Matcher part = PART.matcher(text);
        BigDecimal nanos = BigDecimal.ZERO;
        int at = 0;
        while (at < text.length() && part.find(at) && part.start() == at) {
            long unit = NANOS.getOrDefault(part.group(2), 0L);
            nanos = nanos.add(new BigDecimal(part.group(1)).multiply(BigDecimal.valueOf(unit)));
            at = part.end();
        }
        boolean whole = at == text.length() && !text.isEmpty();
        if (!whole || nanos.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) > 0) {
            throw ApiError.badRequest(
                    name + " must be a duration such as 30m or 1h30m0s, not '" + Request.shown(text) + "'");
        }
        return Duration.ofNanos(nanos.longValue());
    }

    /** RFC 3339 in UTC. */
    static String time(Instant instant) {
        return instant.toString();
    }
}
