package io.rutile.node.deadlock;

import io.rutile.protocol.deadlock.DeadlockResponse;
import io.rutile.protocol.deadlock.WaitForEntry;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** An edge of this store, as long as somebody waits. One thread's. */
final class LiveEdge {

    /** What makes two edges the same. */
    record Key(long txn, long waitForTxn, long keyHash) {

        static Key of(WaitForEntry edge) {
            return new Key(edge.getTxn(), edge.getWaitForTxn(), edge.getKeyHash());
        }
    }

    private final WaitForEntry entry;
    private final List<CompletableFuture<@Nullable DeadlockResponse>> asked = new ArrayList<>();
    private @Nullable DeadlockResponse circle;
    private int waits;

    LiveEdge(WaitForEntry entry) {
        this.entry = entry;
    }

    WaitForEntry entry() {
        return entry;
    }

    /** One more request waits by the same edge: a client has asked again while its first request still waits. */
    void join(CompletableFuture<@Nullable DeadlockResponse> answer) {
        waits++;
        if (circle != null) {
            answer.complete(circle);
        } else {
            asked.add(answer);
        }
    }

    /** One wait less. @return true if it was the last */
    boolean leave() {
        if (--waits > 0) {
            return false;
        }
        asked.forEach(answer -> answer.complete(null));
        return true;
    }

    /** True once a circle is known: nobody need be asked again. */
    boolean isAnswered() {
        return circle != null;
    }

    void closes(DeadlockResponse found) {
        circle = found;
        asked.forEach(answer -> answer.complete(found));
        asked.clear();
    }
}
