package io.rutile.pd.schedule.operator;

/**
 * What an operator is for. Each kind has its own bound on how many may be under way, and a rank: a Region's operator gives way
 * to one of a higher rank.
 */
public enum OperatorKind {
    /** Replicas are lost, too few, too many or in the wrong place. */
    REPAIR(Rank.HIGH),
    /** A store must not lead for now. */
    EVICT(Rank.HIGH),
    /** Somebody asked for it. */
    ADMIN(Rank.URGENT),
    SCATTER(Rank.MEDIUM),
    HOT(Rank.MEDIUM),
    SPLIT(Rank.MEDIUM),
    MERGE(Rank.LOW),
    BALANCE_LEADER(Rank.LOW),
    BALANCE_REGION(Rank.LOW);

    /** Who gives way to whom. */
    public enum Rank {
        LOW,
        MEDIUM,
        HIGH,
        URGENT
    }

    private final Rank rank;

    OperatorKind(Rank rank) {
        this.rank = rank;
    }

    public Rank rank() {
        return rank;
    }
}
