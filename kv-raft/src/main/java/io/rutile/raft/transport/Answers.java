package io.rutile.raft.transport;

import java.util.concurrent.Executor;

/** Where one group takes the answers to its calls, one at a time and in order. */
public interface Answers extends Executor {

    /**
     * The same for a caller that holds no lock and may be kept for a moment: the task runs at once, on the caller's thread, if it is its turn.
     */
    void executeHere(Runnable task);
}
