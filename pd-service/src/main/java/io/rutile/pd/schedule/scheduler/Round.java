package io.rutile.pd.schedule.scheduler;

import io.rutile.pd.schedule.operator.OperatorBuilder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What one look of a scheduler comes to: plans, and words about stores. */
public final class Round {

    private final List<OperatorBuilder> plans = new ArrayList<>();
    private final Map<Long, String> notes = new TreeMap<>();
    private Verdict.Outcome outcome = Verdict.Outcome.NOTHING;
    private String summary = "";

    /** Wants this done. */
    public void plan(OperatorBuilder plan) {
        plans.add(plan);
    }

    boolean isPlanned(long regionId) {
        return plans.stream().anyMatch(plan -> plan.region().id() == regionId);
    }

    /** Why nothing was done for a store, as words that follow "store 3". The last word counts. */
    void note(long storeId, String words) {
        notes.put(storeId, words);
    }

    /** Nothing needs to be done. */
    void nothing(String words) {
        outcome = Verdict.Outcome.NOTHING;
        summary = words;
    }

    /** Something should be done and can't be. */
    void blocked(String words) {
        outcome = Verdict.Outcome.BLOCKED;
        summary = words;
    }

    public List<OperatorBuilder> plans() {
        return plans;
    }

    /**
     * The verdict, once it is known how many of the plans were taken on.
     *
     * @param refusal why not all were, empty if they were
     */
    public Verdict verdict(int taken, String refusal, long atMs) {
        if (taken > 0) {
            return new Verdict(Verdict.Outcome.MADE, taken + " operators made", notes, atMs);
        }
        return plans.isEmpty()
                ? new Verdict(outcome, summary, notes, atMs)
                : new Verdict(Verdict.Outcome.BLOCKED, refusal, notes, atMs);
    }
}
