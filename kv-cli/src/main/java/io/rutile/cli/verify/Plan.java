package io.rutile.cli.verify;

import io.rutile.cli.workload.Protocol;
import java.time.Duration;
import java.util.List;

/**
 * What is to be shown.
 *
 * @param subjects workloads, side by side
 * @param protocols one after the other
 * @param lasting how long the clients run with each protocol
 * @param faults whether processes suffer meanwhile
 * @param clients of each workload
 * @param seed of everything that is drawn
 */
public record Plan(
        List<Subject> subjects, List<Protocol> protocols, Duration lasting, boolean faults, int clients, long seed) {

    public static final int CLIENTS_MAX = 64;

    public Plan {
        subjects = List.copyOf(subjects);
        protocols = List.copyOf(protocols);
        if (subjects.isEmpty() || protocols.isEmpty()) {
            throw new IllegalArgumentException("nothing is to be shown");
        }
        if (lasting.isNegative() || lasting.isZero()) {
            throw new IllegalArgumentException("lasting must be positive: " + lasting);
        }
        if (clients < 1 || clients > CLIENTS_MAX) {
            throw new IllegalArgumentException("clients must be 1 to " + CLIENTS_MAX + ": " + clients);
        }
    }

    /** The seed of one part, the same whether other parts run or not. */
    long seedOf(String part) {
        return seed * 1_000_003 + part.hashCode();
    }
}
