package io.rutile.storage.txn;

import io.rutile.protocol.KeyRange;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.storage.command.ConcurrencyManager;
import io.rutile.storage.command.Failures;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.LockedByLeaderException;
import io.rutile.storage.engine.ReplicaRead;
import io.rutile.storage.mvcc.KeyFailure;
import io.rutile.storage.mvcc.MvccKey;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Reads at other replicas than the leader: what the leader does about them, and what becomes of its refusal. */
public final class ReplicaReads {

    private ReplicaReads() {}

    /**
     * The leader's part (P4): raises max_ts to the read's version, then looks at the locks in memory. What is committed has to be
     * looked up after this returns: a lock that is gone from memory by then is at or below it.
     *
     * <p>As in TiKV (raftkv: the checker of a follower's read index) the rule is that of snapshot isolation whatever the request says,
     * and no lock counts as resolved: such a lock is in memory for a moment only.
     *
     * @return the lock in the way, or null
     * @throws io.rutile.protocol.RegionException if the version lies in the future beyond what clocks allow
     */
    public static @Nullable LockInfo announce(ConcurrencyManager concurrency, ReplicaRead read) {
        ReadView view = new ReadView(Context.getDefaultInstance(), read.version(), false);
        concurrency.raise(read.version());
        for (KeyRange range : read.ranges()) {
            KeyFailure failure = concurrency.first(range, view::refusalBy);
            if (failure != null) {
                return failure.error().getLocked();
            }
        }
        return null;
    }

    static ReplicaRead of(long version, List<MvccKey> keys) {
        return new ReplicaRead(
                version,
                keys.stream()
                        .map(key -> new KeyRange(key.encoded(), key.encoded().next()))
                        .toList());
    }

    /** The leader's refusal as the answer that the leader itself would have given. */
    static <R> CompletableFuture<R> orLocked(KvContext ctx, CompletableFuture<R> read, Function<KeyError, R> answer) {
        if (ctx.replicaRead() == null) {
            return read;
        }
        return read.exceptionallyCompose(failure -> {
            Throwable cause = Failures.unwrap(failure);
            return cause instanceof LockedByLeaderException locked
                    ? CompletableFuture.completedFuture(answer.apply(
                            KeyError.newBuilder().setLocked(locked.lock()).build()))
                    : CompletableFuture.failedFuture(cause);
        });
    }
}
