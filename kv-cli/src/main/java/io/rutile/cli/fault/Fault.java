package io.rutile.cli.fault;

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
    SPLIT("split", 4);

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

    /** True if the process is gone and has to be started. */
    boolean endsTheProcess() {
        return this == KILL || this == HAND_OVER || this == BLACKOUT;
    }
}
