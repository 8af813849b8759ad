package io.rutile.cli.fault;

import java.util.List;
import java.util.Set;

/**
 * What a nemesis may do.
 *
 * @param faults of which it draws
 * @param keys of transactions: Regions are split in front of them, and orders are about the Regions that hold them; may be empty
 * @param splitsMax splits, at most; each in front of another key if there are no more splits than keys
 * @param seed of everything that is drawn
 */
public record Harm(Set<Fault> faults, List<String> keys, int splitsMax, long seed) {

    /** Splits of a history of transactions: each costs the small cluster under it a Raft group for good. */
    private static final int SPLITS_WITHOUT_MERGES = 12;

    public Harm {
        faults = Set.copyOf(faults);
        keys = List.copyOf(keys);
    }

    /** Everything that needs no orders of the Placement Driver. */
    public static Harm withoutOrders(List<String> keys, long seed) {
        return new Harm(Fault.WITHOUT_ORDERS, keys, Math.min(keys.size(), SPLITS_WITHOUT_MERGES), seed);
    }

    /** The same with other faults. */
    public Harm with(Set<Fault> others) {
        return new Harm(others, keys, splitsMax, seed);
    }
}
