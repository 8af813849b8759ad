package io.rutile.pd.schedule.operator;

/**
 * What the stores of this cluster can be told. A command that a store does not know would only time out, so operators are made
 * of what is known here.
 *
 * @param learners a replica may be added as a learner first and be promoted once it has caught up
 * @param merge two neighbours may become one
 * @param split a Region may be split where PD says
 */
public record NodeAbilities(boolean learners, boolean merge, boolean split) {

    /** Add, remove, transfer leader. */
    public static final NodeAbilities BASIC = new NodeAbilities(false, false, false);
}
