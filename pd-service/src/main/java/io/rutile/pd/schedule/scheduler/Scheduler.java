package io.rutile.pd.schedule.scheduler;

/** A wish about the whole cluster. Used by one thread. */
public interface Scheduler {

    /** As in metrics and settings, such as {@code balance-region}. */
    String name();

    /** Looks once, in bounded time, and says what should be done, or why nothing. */
    void look(Round round);
}
