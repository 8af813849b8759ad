package io.rutile.pd.schedule.placement;

import io.rutile.pd.cluster.StoreInfo;
import io.rutile.protocol.KeyRange;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How many replicas of what kind a range of keys has, and where.
 *
 * @param group rules of one group belong together
 * @param id within the group
 * @param index rules of a group in order; one with {@code override} hides those of its group with a smaller index
 * @param override hides the rules of its group before it
 * @param range which keys, in the encoding of Region borders
 * @param role what the replicas are
 * @param count how many, 1 to {@link #COUNT_MAX}
 * @param constraints what a store must be like; all of them
 * @param locations how far the replicas of this rule must be from each other
 */
public record PlacementRule(
        String group,
        String id,
        int index,
        boolean override,
        KeyRange range,
        Role role,
        int count,
        List<LabelConstraint> constraints,
        Locations locations) {

    /** Replicas that one rule may ask for. */
    public static final int COUNT_MAX = 15;

    /** Labels that set a store apart: it takes only replicas of rules that ask for the label by name. */
    private static final String EXCLUSIVE_ENGINE = "engine";

    private static final String EXCLUSIVE_PREFIX = "$";

    /** What a replica is to be. */
    public enum Role {
        /** Votes and may lead. */
        VOTER,
        /** Votes and leads. */
        LEADER,
        /** Votes and does not lead. */
        FOLLOWER,
        /** Has the data and no vote. */
        LEARNER;

        public boolean votes() {
            return this != LEARNER;
        }

        public boolean mayLead() {
            return this == VOTER || this == LEADER;
        }
    }

    public PlacementRule {
        constraints = List.copyOf(constraints);
        if (group.isEmpty() || id.isEmpty()) {
            throw new IllegalArgumentException("a placement rule needs a group and an id");
        }
        if (count < 1 || count > COUNT_MAX) {
            throw new IllegalArgumentException(
                    "placement rule " + group + "/" + id + ": the count must be 1 to " + COUNT_MAX + ", not " + count);
        }
        if (role == Role.LEADER && count != 1) {
            throw new IllegalArgumentException(
                    "placement rule " + group + "/" + id + ": there is one leader, not " + count);
        }
        if (range.isEmpty()) {
            throw new IllegalArgumentException(
                    "placement rule " + group + "/" + id + ": the range ends before it begins");
        }
    }

    /** The rule that holds where nobody has said anything: so many voters, anywhere. */
    public static PlacementRule replicas(int count, Locations locations) {
        return new PlacementRule("pd", "default", 0, false, KeyRange.ALL, Role.VOTER, count, List.of(), locations);
    }

    /** {@code group/id}. */
    public String name() {
        return group + "/" + id;
    }

    /** Lets stores through that this rule's replicas may be on. */
    public StoreFilter filter() {
        return new StoreFilter("rule", this::objectionTo);
    }

    /** Why a replica of this rule must not be on a store, as words that follow "store 3"; null if it may. */
    public @Nullable String objectionTo(StoreInfo store) {
        for (LabelConstraint constraint : constraints) {
            if (!constraint.isMetBy(store)) {
                return constraint.violatedBy(store);
            }
        }
        for (var label : store.store().getLabelsList()) {
            boolean exclusive =
                    label.getKey().equals(EXCLUSIVE_ENGINE) || label.getKey().startsWith(EXCLUSIVE_PREFIX);
            if (exclusive
                    && constraints.stream()
                            .noneMatch(constraint -> constraint.key().equals(label.getKey()))) {
                return "is set apart by its label " + label.getKey() + "=" + label.getValue();
            }
        }
        return null;
    }
}
