package io.rutile.cli.bench.subject;

import io.rutile.cli.bench.load.Errors;
import io.rutile.cli.bench.load.Outcome;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import java.util.zip.DataFormatException;
import org.HdrHistogram.Histogram;

/**
 * An {@link Outcome} on its way between processes.
 *
 * @param histogram HdrHistogram's compressed form in base64
 * @param errors by kind
 * @param firstErrors what the first of each kind said
 */
record OutcomeText(String histogram, Map<String, Long> errors, Map<String, String> firstErrors, long elapsedNanos) {

    static OutcomeText of(Outcome outcome) {
        ByteBuffer bytes = ByteBuffer.allocate(outcome.latencies().getNeededByteBufferCapacity());
        int length = outcome.latencies().encodeIntoCompressedByteBuffer(bytes);
        return new OutcomeText(
                Base64.getEncoder().encodeToString(Arrays.copyOf(bytes.array(), length)),
                outcome.errors().counts(),
                outcome.errors().first(),
                outcome.elapsed().toNanos());
    }

    Outcome toOutcome() {
        try {
            ByteBuffer bytes = ByteBuffer.wrap(Base64.getDecoder().decode(histogram));
            return new Outcome(
                    Histogram.decodeFromCompressedByteBuffer(bytes, 0),
                    Errors.of(errors, firstErrors),
                    Duration.ofNanos(elapsedNanos));
        } catch (DataFormatException e) {
            throw new IllegalArgumentException("not a histogram", e);
        }
    }
}
