package io.rutile.pd.schedule.placement;

/**
 * Placement rules that belong together.
 *
 * @param index groups in order; of two with the same index the name decides
 * @param override hides all groups before it where a rule of this one holds
 */
public record RuleGroup(String id, int index, boolean override) {

    public RuleGroup {
        if (id.isEmpty()) {
            throw new IllegalArgumentException("a group of placement rules needs an id");
        }
    }

    /** What a group is of which nobody has said anything. */
    static RuleGroup plain(String id) {
        return new RuleGroup(id, 0, false);
    }
}
