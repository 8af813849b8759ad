package io.rutile.pd.meta;

/** Told when this member begins and ceases to lead. Called on the apply thread: hand over, don't work. */
public interface LeadershipListener {

    /** This member leads, and its state holds everything of earlier terms. */
    void onLeaderStart(long term);

    void onLeaderStop();

    /** Another member leads, or none is known: {@code leaderId} is 0 then. */
    void onLeaderChanged(long leaderId);

    /** This member is dead until it is started anew. */
    void onFailure(Throwable cause);
}
