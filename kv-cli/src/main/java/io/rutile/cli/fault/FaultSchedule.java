package io.rutile.cli.fault;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;

/** What a nemesis does next, decided by its seed alone. For one thread. */
final class FaultSchedule {

    /**
     * One fault.
     *
     * @param calm how long everything runs before it
     * @param target which process, unless the fault is for the leader or that is not known; for a split, in front of which key
     * @param atLeader true if a kill or a pause is for the leader too
     * @param lasting how long it lasts before it is healed
     */
    record Planned(Duration calm, Fault fault, String target, boolean atLeader, Duration lasting) {}

    private static final long CALM_MS_MIN = 500;
    private static final long CALM_MS_MAX = 4_000;
    private static final long LASTING_MS_MIN = 100;
    private static final long LASTING_MS_MAX = 4_000;

    /** An election takes one to two election timeouts of a second each; some are longer than a lock lives, too. */
    private static final long DEPOSED_MS_MIN = 3_000;

    private static final long DEPOSED_MS_MAX = 7_000;

    private static final int SPLITS_MAX = 12;
    private static final long CALM_BEFORE_SPLIT_MS_MAX = 500;

    private final SplittableRandom random;
    private final List<String> nodes;
    private final List<String> others;

    /** Those that are left: a key is a border once. */
    private final List<String> splitKeys;

    private int splits;
    private boolean splitLast;

    /**
     * @param nodes names of the processes that hold data
     * @param others names of further processes that may suffer: killed and frozen now and then; may be empty
     * @param splitKeys keys that Regions may be split in front of; twelve of them at most are used, none if it is empty
     */
    FaultSchedule(long seed, List<String> nodes, List<String> others, List<String> splitKeys) {
        this.random = new SplittableRandom(seed);
        this.nodes = List.copyOf(nodes);
        this.others = List.copyOf(others);
        this.splitKeys = new ArrayList<>(splitKeys);
    }

    /** The first is a split, so that everything else happens to several Regions; what follows a split is of another kind. */
    Planned next() {
        Planned planned = splits == 0 && maySplit() ? split() : any();
        splitLast = planned.fault() == Fault.SPLIT;
        return planned;
    }

    private Planned any() {
        Duration calm = between(splitLast ? 0 : CALM_MS_MIN, CALM_MS_MAX);
        if (!others.isEmpty() && random.nextInt(6) == 0) {
            Fault fault = random.nextBoolean() ? Fault.KILL : Fault.PAUSE;
            return new Planned(calm, fault, any(others), false, between(LASTING_MS_MIN, LASTING_MS_MAX));
        }
        Fault fault = anyFault();
        if (fault == Fault.SPLIT) {
            return split();
        }
        Duration lasting = fault == Fault.DEPOSE
                ? between(DEPOSED_MS_MIN, DEPOSED_MS_MAX)
                : between(LASTING_MS_MIN, LASTING_MS_MAX);
        boolean atLeader = fault.aimsAtTheLeader() || random.nextBoolean();
        return new Planned(calm, fault, any(nodes), atLeader, lasting);
    }

    private boolean maySplit() {
        return !splitLast && splits < SPLITS_MAX && !splitKeys.isEmpty();
    }

    private Planned split() {
        splits++;
        String key = splitKeys.remove(random.nextInt(splitKeys.size()));
        return new Planned(between(0, CALM_BEFORE_SPLIT_MS_MAX), Fault.SPLIT, key, false, Duration.ZERO);
    }

    private Fault anyFault() {
        List<Fault> possible = Stream.of(Fault.values())
                .filter(fault -> fault != Fault.SPLIT || maySplit())
                .toList();
        int all = possible.stream().mapToInt(Fault::weight).sum();
        int drawn = random.nextInt(all);
        for (Fault fault : possible) {
            drawn -= fault.weight();
            if (drawn < 0) {
                return fault;
            }
        }
        throw new IllegalStateException("weights changed while they were added");
    }

    private String any(List<String> names) {
        return names.get(random.nextInt(names.size()));
    }

    private Duration between(long minMs, long maxMs) {
        return Duration.ofMillis(random.nextLong(minMs, maxMs + 1));
    }
}
