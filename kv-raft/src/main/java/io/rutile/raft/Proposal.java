package io.rutile.raft;

import com.alipay.sofa.jraft.Closure;
import com.alipay.sofa.jraft.Status;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/** An entry on its way, and who waits for its outcome. Completed exactly once, by the apply thread or by JRaft's refusal. */
final class Proposal<R> implements Closure {

    final CompletableFuture<R> future = new CompletableFuture<>();
    private final Function<Status, RaftException> refusal;
    private final LongConsumer committed;
    private @Nullable R outcome;

    Proposal(Function<Status, RaftException> refusal, LongConsumer committed) {
        this.refusal = refusal;
        this.committed = committed;
    }

    /** Kept until the batch is applied; apply thread. */
    void outcome(R decided) {
        outcome = decided;
    }

    /** Its batch is applied, and was taken up then; before the outcome goes out. */
    void committed(long takenUpNanos) {
        committed.accept(takenUpNanos);
    }

    /** The batch is applied: the outcome goes out. */
    @SuppressWarnings("NullAway") // An entry without an outcome is answered with null, as CommittedEntries says.
    void applied() {
        future.complete(outcome);
    }

    void fail(RaftException why) {
        future.completeExceptionally(why);
    }

    /** JRaft's word: anything but OK, for outcomes come from the state machine. */
    @Override
    public void run(Status status) {
        if (status.isOk()) {
            applied();
        } else {
            fail(refusal.apply(status));
        }
    }
}
