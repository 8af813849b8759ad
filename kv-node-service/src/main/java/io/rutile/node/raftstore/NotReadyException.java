package io.rutile.node.raftstore;

/**
 * The right replica was asked a moment too early: it has won its election and not yet applied an entry of its own term, or it is
 * handing leadership over. Never leaves this room: {@link HoldAndRetry} waits it out or says {@code ServerIsBusy}.
 */
final class NotReadyException extends RuntimeException {

    NotReadyException() {
        super("not ready", null, false, false);
    }
}
