package io.rutile.cli.cluster;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import java.time.Duration;
import java.util.function.BooleanSupplier;

/** Waits for what can only be looked at: another process's life, a health endpoint. */
final class Waiting {

    private Waiting() {}

    /** Looks every {@code interval}; true once the condition holds, false after {@code timeout} or an interrupt. */
    @CanIgnoreReturnValue
    static boolean until(Duration timeout, Duration interval, BooleanSupplier condition) {
        long deadlineNanos = System.nanoTime() + timeout.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - deadlineNanos >= 0) {
                return false;
            }
            try {
                Thread.sleep(interval.toMillis());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
        }
        return true;
    }
}
