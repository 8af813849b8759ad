package io.rutile.pd.leader;

import java.time.InstantSource;
import java.util.function.LongSupplier;

/**
 * Where time comes from.
 *
 * @param wall the time of day, which may jump
 * @param nano monotonic nanoseconds
 */
public record Clocks(InstantSource wall, LongSupplier nano) {

    public static Clocks system() {
        return new Clocks(InstantSource.system(), System::nanoTime);
    }
}
