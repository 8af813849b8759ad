package io.rutile.pd.schedule;

/** What the controller says to a new operator. */
public enum Admission {
    ADDED("it is under way"),
    /** The Region has one of the same or a higher rank. */
    REGION_BUSY("another operator is under way"),
    FULL("too many operators are under way"),
    KIND_FULL("too many operators of this kind are under way"),
    STORE_LIMIT("the store that would receive a replica has reached its limit for now");

    private final String words;

    Admission(String words) {
        this.words = words;
    }

    public String words() {
        return words;
    }
}
