package io.rutile.pd.schedule.placement;

/** Why stores were passed over, a sentence each; of very many the first ones. Belongs to one search. */
public final class Refusals {

    private static final int NAMED_MAX = 50;

    private final StringBuilder words = new StringBuilder();
    private int count;
    private boolean someForNow;

    /** @param forNow true if it passes by itself */
    void add(long storeId, String refusal, boolean forNow) {
        someForNow |= forNow;
        if (count++ < NAMED_MAX) {
            words.append(words.isEmpty() ? "" : "; ")
                    .append("store ")
                    .append(storeId)
                    .append(' ')
                    .append(refusal);
        }
    }

    /** True if it is worth waiting: a store would do but for something that passes by itself. */
    public boolean someForNow() {
        return someForNow;
    }

    @Override
    public String toString() {
        return count > NAMED_MAX ? words + "; and " + (count - NAMED_MAX) + " stores more" : words.toString();
    }
}
