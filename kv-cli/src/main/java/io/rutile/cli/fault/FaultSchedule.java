package io.rutile.cli.fault;

import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;

/** What a nemesis does next, decided by its seed alone. For one thread. */
final class FaultSchedule {

    /**
     * One fault.
     *
     * @param calm how long everything runs before it
     * @param target which process, unless the fault is for the leader or that is not known
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

    private final SplittableRandom random;
    private final List<String> nodes;
    private final List<String> others;

    /**
     * @param nodes names of the processes that hold data
     * @param others names of further processes that may suffer: killed and frozen now and then; may be empty
     */
    FaultSchedule(long seed, List<String> nodes, List<String> others) {
        this.random = new SplittableRandom(seed);
        this.nodes = List.copyOf(nodes);
        this.others = List.copyOf(others);
    }

    Planned next() {
        Duration calm = between(CALM_MS_MIN, CALM_MS_MAX);
        if (!others.isEmpty() && random.nextInt(6) == 0) {
            Fault fault = random.nextBoolean() ? Fault.KILL : Fault.PAUSE;
            return new Planned(calm, fault, any(others), false, between(LASTING_MS_MIN, LASTING_MS_MAX));
        }
        Fault fault = anyFault();
        Duration lasting = fault == Fault.DEPOSE
                ? between(DEPOSED_MS_MIN, DEPOSED_MS_MAX)
                : between(LASTING_MS_MIN, LASTING_MS_MAX);
        boolean atLeader = fault.aimsAtTheLeader() || random.nextBoolean();
        return new Planned(calm, fault, any(nodes), atLeader, lasting);
    }

    private Fault anyFault() {
        int all = Stream.of(Fault.values()).mapToInt(Fault::weight).sum();
        int drawn = random.nextInt(all);
        for (Fault fault : Fault.values()) {
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
