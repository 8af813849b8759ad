package io.rutile.node.raftstore;

import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.RegionException;

/**
 * The right replica was asked a moment too early: it has won its election and not yet applied an entry of its own term, or not yet
 * heard from the timestamp oracle, or it is handing leadership over. Never leaves this room: {@link HoldAndRetry} waits it out or
 * says what it says in the end, {@code ServerIsBusy} mostly.
 */
final class NotReadyException extends RuntimeException {

    private final transient RegionException inTheEnd;

    NotReadyException() {
        this(RegionErrors.serverIsBusy("leader is taking over or handing over", 100));
    }

    /** @param inTheEnd what the client is told if holding didn't help */
    NotReadyException(RegionException inTheEnd) {
        super("not ready", null, false, false);
        this.inTheEnd = inTheEnd;
    }

    RegionException inTheEnd() {
        return inTheEnd;
    }
}
