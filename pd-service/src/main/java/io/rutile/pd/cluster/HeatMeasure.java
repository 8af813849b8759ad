package io.rutile.pd.cluster;

import java.util.Locale;
import java.util.Optional;
import java.util.function.ToLongFunction;

/** What of a Region's traffic is looked at. */
public enum HeatMeasure {
    WRITTEN_BYTES(RegionFlow::bytesWritten),
    READ_BYTES(RegionFlow::bytesRead),
    WRITTEN_KEYS(RegionFlow::keysWritten),
    READ_KEYS(RegionFlow::keysRead);

    private final ToLongFunction<RegionFlow> amount;

    HeatMeasure(ToLongFunction<RegionFlow> amount) {
        this.amount = amount;
    }

    long of(RegionFlow flow) {
        return amount.applyAsLong(flow);
    }

    /** Its name in answers: {@code written-bytes}. */
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    public static Optional<HeatMeasure> named(String label) {
        for (HeatMeasure measure : values()) {
            if (measure.label().equals(label)) {
                return Optional.of(measure);
            }
        }
        return Optional.empty();
    }
}
