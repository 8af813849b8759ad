package io.rutile.cli.fault;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What a nemesis does next, decided by its seed alone. For one thread. */
final class FaultSchedule {

    /**
     * One fault.
     *
     * @param calm how long everything runs before it
     * @param target which process, unless the fault is for the leader or that is not known; for a Region, a key
     * @param atLeader true if a kill or a pause is for the leader too
     * @param lasting how long it lasts before it is healed
     * @param draw decides what an order leaves open; 0 for everything else
     */
    record Planned(Duration calm, Fault fault, String target, boolean atLeader, Duration lasting, long draw) {}

    private static final long CALM_MS_MIN = 500;
    private static final long CALM_MS_MAX = 4_000;
    private static final long LASTING_MS_MIN = 100;
    private static final long LASTING_MS_MAX = 4_000;

    /** An election takes one to two election timeouts of a second each; some are longer than a lock lives, too. */
    private static final long DEPOSED_MS_MIN = 3_000;

    private static final long DEPOSED_MS_MAX = 7_000;

    private static final long CALM_BEFORE_SPLIT_MS_MAX = 500;

    private final SplittableRandom random;
    private final List<String> nodes;
    private final List<String> others;
    private final Harm harm;

    /** Those that are left: no key comes again before all have come. */
    private final List<String> splitKeys;

    private int splits;
    private @Nullable Fault last;

    /**
     * @param nodes names of the processes that hold data
     * @param others names of further processes that may suffer: killed and frozen now and then; may be empty
     */
    FaultSchedule(List<String> nodes, List<String> others, Harm harm) {
        this.random = new SplittableRandom(harm.seed());
        this.nodes = List.copyOf(nodes);
        this.others = List.copyOf(others);
        this.harm = harm;
        this.splitKeys = new ArrayList<>(harm.keys());
    }

    /** The first is a split, so that everything else happens to several Regions; what follows one is of another kind. */
    Planned next() {
        Planned planned = splits == 0 && isPossible(Fault.SPLIT) ? split() : any();
        last = planned.fault();
        return planned;
    }

    private Planned any() {
        Duration calm = between(last != null && last.isForARegion() ? 0 : CALM_MS_MIN, CALM_MS_MAX);
        boolean orders = !harm.keys().isEmpty() && harm.faults().stream().anyMatch(Fault::isOrdered);
        if (orders && (last == null || !last.isForARegion()) && random.nextInt(4) > 0) {
            // So that what happens to processes happens in the middle of a change.
            return drawn(Fault::isForARegion, calm);
        }
        if (!others.isEmpty() && random.nextInt(6) == 0) {
            Fault fault = random.nextBoolean() ? Fault.KILL : Fault.PAUSE;
            if (harm.faults().contains(fault)) {
                return new Planned(calm, fault, any(others), false, between(LASTING_MS_MIN, LASTING_MS_MAX), 0);
            }
        }
        return drawn(fault -> true, calm);
    }

    private Planned drawn(Predicate<Fault> wanted, Duration calm) {
        Fault fault = anyFault(wanted);
        if (fault == Fault.SPLIT) {
            return split();
        }
        if (fault.isOrdered()) {
            return new Planned(calm, fault, any(harm.keys()), false, Duration.ZERO, random.nextLong());
        }
        Duration lasting = fault == Fault.DEPOSE
                ? between(DEPOSED_MS_MIN, DEPOSED_MS_MAX)
                : between(LASTING_MS_MIN, LASTING_MS_MAX);
        boolean atLeader = fault.aimsAtTheLeader() || random.nextBoolean();
        return new Planned(calm, fault, any(nodes), atLeader, lasting, 0);
    }

    private Planned split() {
        splits++;
        if (splitKeys.isEmpty()) {
            splitKeys.addAll(harm.keys());
        }
        String key = splitKeys.remove(random.nextInt(splitKeys.size()));
        return new Planned(between(0, CALM_BEFORE_SPLIT_MS_MAX), Fault.SPLIT, key, false, Duration.ZERO, 0);
    }

    private boolean isPossible(Fault fault) {
        if (!harm.faults().contains(fault)) {
            return false;
        }
        if (fault.isForARegion() && harm.keys().isEmpty()) {
            return false;
        }
        return fault != Fault.SPLIT || (last != Fault.SPLIT && splits < harm.splitsMax());
    }

    private Fault anyFault(Predicate<Fault> wanted) {
        List<Fault> possible = Stream.of(Fault.values())
                .filter(this::isPossible)
                .filter(wanted)
                .toList();
        int all = possible.stream().mapToInt(Fault::weight).sum();
        int drawn = random.nextInt(all);
        for (Fault fault : possible) {
            drawn -= fault.weight();
            if (drawn < 0) {
                return fault;
            }
        }
        throw new IllegalStateException("nothing is left to draw from " + harm.faults());
    }

    private String any(List<String> names) {
        return names.get(random.nextInt(names.size()));
    }

    private Duration between(long minMs, long maxMs) {
        return Duration.ofMillis(random.nextLong(minMs, maxMs + 1));
    }
}
