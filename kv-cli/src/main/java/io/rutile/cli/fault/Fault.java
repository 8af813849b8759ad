package io.rutile.cli.fault;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/** What happens to a process, or to a Region. */
public enum Fault {
    /** Ended like in a power cut (SIGKILL), and started again. */
    KILL("kill", 2),
    /** Frozen (SIGSTOP) and let go on: its connections stay open, its clock jumps. */
    PAUSE("pause", 3),
    /** The leader's node stopped in order, which hands leadership over first, and started again. */
    HAND_OVER("hand over", 2),
    /**
     * The leader's node frozen for so long that another one is elected. It wakes up as a leader of the past with requests half done.
     */
    DEPOSE("depose", 4),
    /** All nodes killed at the same moment, and started again: nothing is left but what is on disk. */
    BLACKOUT("blackout", 1),
    /** A Region split in front of a key of a workload. Nothing is broken and nothing healed; keys that shared a leader no longer do. */
    SPLIT("split", 4),
    /** Another replica of a Region ordered to lead, by PD. */
    TRANSFER("transfer", 3),
    /** A replica of a Region ordered away, by PD: to another store, or for good, and PD adds one again where one is missing. */
    MOVE("move", 4),
    /** A Region ordered to become one with its neighbour, by PD. */
    MERGE("merge", 4);

    /** Those that need nothing but the cluster's processes and its clients' RPCs. */
    public static final Set<Fault> WITHOUT_ORDERS =
            Collections.unmodifiableSet(EnumSet.complementOf(EnumSet.of(TRANSFER, MOVE, MERGE)));

    private final String label;
    private final int weight;

    Fault(String label, int weight) {
        this.label = label;
        this.weight = weight;
    }

    public String label() {
        return label;
    }

    /** How often it is done, beside the others; a restart takes long, so those that need one come less often. */
    int weight() {
        return weight;
    }

    /** True if it is for whoever leads the Region. */
    boolean aimsAtTheLeader() {
        return this == HAND_OVER || this == DEPOSE;
    }

    /** True if the Placement Driver is asked for it; it is done later, while other faults go on, or never. */
    boolean isOrdered() {
        return this == TRANSFER || this == MOVE || this == MERGE;
    }

    /** True if it happens to a Region, and no process suffers. */
    boolean isForARegion() {
        return this == SPLIT || isOrdered();
    }

    /** True if the process is gone and has to be started. */
    boolean endsTheProcess() {
        return this == KILL || this == HAND_OVER || this == BLACKOUT;
    }
}
