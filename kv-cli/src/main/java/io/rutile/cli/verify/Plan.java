package io.rutile.cli.verify;

import io.rutile.cli.fault.Fault;
import io.rutile.cli.fault.Harm;
import io.rutile.cli.workload.Protocol;
import java.time.Duration;
import java.util.List;
import java.util.Set;

/**
 * What is to be shown.
 *
 * @param subjects workloads, side by side
 * @param protocols one after the other
 * @param lasting how long the clients run with each protocol
 * @param faults what happens meanwhile; nothing if it is empty
 * @param clients of each workload
 * @param rawClients that write raw pairs beside the workloads; 0 for none
 * @param pace between two transactions of a client; zero for none
 * @param seed of everything that is drawn
 */
public record Plan(
        List<Subject> subjects,
        List<Protocol> protocols,
        Duration lasting,
        Set<Fault> faults,
        int clients,
        int rawClients,
        Duration pace,
        long seed) {

    public static final int CLIENTS_MAX = 64;

    public Plan {
        subjects = List.copyOf(subjects);
        protocols = List.copyOf(protocols);
        faults = Set.copyOf(faults);
        if (subjects.isEmpty() || protocols.isEmpty()) {
            throw new IllegalArgumentException("nothing is to be shown");
        }
        if (lasting.isNegative() || lasting.isZero()) {
            throw new IllegalArgumentException("lasting must be positive: " + lasting);
        }
        if (pace.isNegative()) {
            throw new IllegalArgumentException("pace must not be negative: " + pace);
        }
        if (faults.equals(Set.of(Fault.SPLIT))) {
            throw new IllegalArgumentException("splits alone come to an end: name another fault");
        }
        if (clients < 1 || clients > CLIENTS_MAX) {
            throw new IllegalArgumentException("clients must be 1 to " + CLIENTS_MAX + ": " + clients);
        }
        if (rawClients < 0 || rawClients > CLIENTS_MAX) {
            throw new IllegalArgumentException("raw clients must be 0 to " + CLIENTS_MAX + ": " + rawClients);
        }
    }

    /** Regions that can become fewer again may be split all the time. */
    Harm harm(List<String> keys, String part) {
        return faults.contains(Fault.MERGE)
                ? new Harm(faults, keys, Integer.MAX_VALUE, seedOf(part))
                : Harm.withoutOrders(keys, seedOf(part)).with(faults);
    }

    /** The seed of one part, the same whether other parts run or not. */
    long seedOf(String part) {
        return seed * 1_000_003 + part.hashCode();
    }
}
