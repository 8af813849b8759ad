package io.rutile.cli.bench.load;

import java.time.Duration;
import org.HdrHistogram.Histogram;

/**
 * What came of a load.
 *
 * @param latencies of successful operations, nanoseconds
 * @param errors all others
 * @param elapsed from the first operation's begin to the last one's end
 */
public record Outcome(Histogram latencies, Errors errors, Duration elapsed) {}
