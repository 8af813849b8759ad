package io.rutile.raft;

import com.alipay.sofa.jraft.Closure;
import com.alipay.sofa.jraft.Iterator;
import com.alipay.sofa.jraft.StateMachine;
import com.alipay.sofa.jraft.Status;
import com.alipay.sofa.jraft.conf.Configuration;
import com.alipay.sofa.jraft.entity.LeaderChangeContext;
import com.alipay.sofa.jraft.error.RaftError;
import com.alipay.sofa.jraft.storage.snapshot.SnapshotReader;
import com.alipay.sofa.jraft.storage.snapshot.SnapshotWriter;
import io.rutile.raft.log.CompactionPoint;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Feeds one group's state machine: committed entries in bounded batches, each entry once (R1), outcomes to their proposers after
 * their batch, leadership and membership as they become true.
 *
 * <p>Callbacks come one at a time on JRaft's thread for this group (the apply thread). An image is installed under the apply
 * lock by the thread that fetched it: a damaged one must not kill the replica, as it would inside JRaft's own callback.
 */
final class ApplyDriver<R> implements StateMachine {

    private static final Logger LOG = LoggerFactory.getLogger(ApplyDriver.class);
    private static final int BATCH_ENTRIES_MAX = 1_024;
    private static final long BATCH_BYTES_MAX = 16L << 20;

    /** What the group's adapter is told; apply thread. */
    interface Listener {

        void leads(long term);

        void stopsLeading();

        void follows(@Nullable Replica leader, long term);

        /** An image has taken the place of everything up to that index; the thread that fetched it. */
        void imageInstalled(long applied);

        /** Enough has been applied since the log was last cut. */
        void compactionDue();

        /** Once; nothing is applied any more. */
        void died(Throwable cause, boolean disk);
    }

    private final long groupId;
    private final Replica self;
    private final ReplicatedStateMachine<R> stateMachine;
    private final RaftOptions options;
    private final ExecutorService work;
    private final RaftMetrics metrics;
    private final Listener listener;
    private final Object applyLock = new Object();
    private final AtomicReference<@Nullable Throwable> poison = new AtomicReference<>();
    private volatile long applied;
    private long entriesSinceCut;
    /** Written by the apply thread alone. */
    private volatile long bytesSinceCut;

    private volatile long bytesAtStart;

    ApplyDriver(
            long groupId,
            Replica self,
            ReplicatedStateMachine<R> stateMachine,
            RaftOptions options,
            ExecutorService work,
            RaftMetrics metrics,
            Listener listener) {
        this.groupId = groupId;
        this.self = self;
        this.stateMachine = stateMachine;
        this.options = options;
        this.work = work;
        this.metrics = metrics;
        this.listener = listener;
        this.applied = stateMachine.appliedIndex();
    }

    /** Bytes of entries that an image holds, and that are behind the point which it continues from, at most; any thread. */
    long replayBytes() {
        return Math.max(bytesSinceCut, bytesAtStart);
    }

    /** What the log held when this replica started: nobody knows how much of it is behind the point. */
    void startsWith(long logBytes) {
        bytesAtStart = logBytes;
    }

    /** Last index that the state machine applied. */
    long applied() {
        return applied;
    }

    @Override
    public void onApply(Iterator entries) {
        synchronized (applyLock) {
            while (entries.hasNext()) {
                // R1: an effect that is there already, from before a restart or in an image, is not applied again.
                if (entries.getIndex() <= applied || isNudge(entries)) {
                    skip(entries);
                } else {
                    applyBatch(new Batch(entries));
                }
            }
        }
        if (entriesSinceCut >= options.logEntriesMax() || bytesSinceCut >= options.logBytesMax()) {
            listener.compactionDue();
        }
    }

    /** An empty entry is this room's own: see {@link JRaftAdapter#nudge}. No proposal is empty. */
    private static boolean isNudge(Iterator entries) {
        return !entries.getData().hasRemaining();
    }

    private void skip(Iterator entries) {
        if (entries.done() instanceof Proposal<?> proposal) {
            proposal.fail(new RaftException(
                    RaftException.Kind.UNDETERMINED, "entry " + entries.getIndex() + " was applied before"));
        }
        entries.next();
    }

    private void applyBatch(Batch batch) {
        long begunNanos = System.nanoTime();
        try {
            stateMachine.apply(batch);
            if (!batch.exhausted) {
                throw new IllegalStateException("state machine left entries behind index " + batch.index());
            }
        } catch (RuntimeException | Error e) {
            poison(e);
            batch.fail(new RaftException(RaftException.Kind.UNDETERMINED, "this replica could not apply the entry"));
            // JRaft stops this node when it sees it; the message names no data.
            throw new IllegalStateException("apply failed at index " + batch.index(), e);
        }
        metrics.applied(System.nanoTime() - begunNanos);
        applied = batch.index();
        entriesSinceCut += batch.count;
        bytesSinceCut += batch.bytes;
        metrics.applyEntries.record(batch.count);
        batch.finish(begunNanos);
    }

    /** Nothing is applied behind an entry that could not be: skipping one would be a silent gap (R1). */
    private void poison(Throwable cause) {
        poison.compareAndSet(null, cause);
    }

    /** A cursor over some of JRaft's committed entries. */
    private final class Batch implements CommittedEntries<R> {

        private final Iterator entries;
        private final List<Proposal<R>> decided = new ArrayList<>();
        private @Nullable Proposal<R> proposal;
        private long index;
        private long term;
        private int count;
        private long bytes;
        private boolean exhausted;
        private @Nullable ByteBuffer data;

        Batch(Iterator entries) {
            this.entries = entries;
        }

        @Override
        public boolean next() {
            if (exhausted
                    || count >= BATCH_ENTRIES_MAX
                    || bytes >= BATCH_BYTES_MAX
                    || !entries.hasNext()
                    || isNudge(entries)) {
                exhausted = true;
                data = null;
                proposal = null;
                return false;
            }
            index = entries.getIndex();
            term = entries.getTerm();
            proposal = proposal(entries.done());
            // The live buffer of the leader's log: moving its position would send empty bytes to a slower follower.
            ByteBuffer live = entries.next();
            data = live.duplicate().asReadOnlyBuffer();
            count++;
            bytes += live.remaining();
            if (proposal != null) {
                decided.add(proposal);
            }
            return true;
        }

        @SuppressWarnings("unchecked") // Only this group's proposals carry its tasks.
        private @Nullable Proposal<R> proposal(@Nullable Closure done) {
            return done instanceof Proposal<?> mine ? (Proposal<R>) mine : null;
        }

        @Override
        public long index() {
            return index;
        }

        @Override
        public long term() {
            return term;
        }

        @Override
        public ByteBuffer data() {
            ByteBuffer current = data;
            if (current == null) {
                throw new IllegalStateException("no current entry");
            }
            return current;
        }

        @Override
        public void complete(R outcome) {
            if (proposal != null) {
                proposal.outcome(outcome);
            }
        }

        void finish(long takenUpNanos) {
            decided.forEach(mine -> mine.committed(takenUpNanos));
            decided.forEach(Proposal::applied);
        }

        void fail(RaftException why) {
            decided.forEach(mine -> mine.fail(why));
        }
    }

    /** Message thread. @return the state machine's refusal, or null */
    byte @Nullable [] readIndexAsked(byte[] question) {
        return stateMachine.onReadIndex(question);
    }

    /** Makes an image for another replica; image thread. */
    long writeImage(Path directory) throws IOException {
        return stateMachine.writeImage(directory);
    }

    /** Replaces the state; durable on return. Image thread, while nothing is applied. */
    long installImage(Path directory) throws IOException {
        synchronized (applyLock) {
            try {
                stateMachine.installImage(directory);
                stateMachine.persist();
            } catch (RuntimeException e) {
                throw new IOException("image can't be installed", e);
            } finally {
                applied = stateMachine.appliedIndex();
            }
        }
        listener.imageInstalled(applied);
        return applied;
    }

    /** The point's index is fixed here; it counts once everything up to it is durable, which is not the apply thread's work. */
    @Override
    public void onSnapshotSave(SnapshotWriter writer, Closure done) {
        ((GroupSnapshots.PointWriter) writer).applied(applied);
        long entries = entriesSinceCut;
        long bytes = bytesSinceCut;
        entriesSinceCut = 0;
        bytesSinceCut = 0;
        bytesAtStart = 0;
        try {
            work.execute(() -> {
                try {
                    stateMachine.persist();
                    metrics.compactions.increment();
                    done.run(Status.OK());
                } catch (IOException | RuntimeException e) {
                    LOG.warn("log not compacted group={} entries={} bytes={}", groupId, entries, bytes, e);
                    done.run(new Status(RaftError.EAGAIN, "state not persisted"));
                }
            });
        } catch (RejectedExecutionException e) {
            done.run(new Status(RaftError.ESTOP, "closing"));
        }
    }

    /** At start: the log must continue what the state machine has. After an image: it has it. */
    @Override
    public boolean onSnapshotLoad(SnapshotReader reader) {
        CompactionPoint point = ((GroupSnapshots.PointReader) reader).point;
        if (applied < point.applied()) {
            LOG.error(
                    "state is behind its log group={} applied={} log_begins_behind={}",
                    groupId,
                    applied,
                    point.applied());
            return false;
        }
        return true;
    }

    @Override
    public void onLeaderStart(long term) {
        LOG.info("leads group={} replica={} term={}", groupId, self, term);
        listener.leads(term);
        stateMachine.onLeaderStart(term);
    }

    @Override
    public void onLeaderStop(Status status) {
        LOG.info("leads no more group={} replica={} cause={}", groupId, self, status.getErrorMsg());
        listener.stopsLeading();
        stateMachine.onLeaderStop();
    }

    @Override
    public void onStartFollowing(LeaderChangeContext context) {
        Replica leader = PeerIds.replicaOrNull(context.getLeaderId());
        listener.follows(leader, context.getTerm());
        stateMachine.onLeaderChanged(leader, context.getTerm());
    }

    @Override
    public void onStopFollowing(LeaderChangeContext context) {
        listener.follows(null, context.getTerm());
        stateMachine.onLeaderChanged(null, context.getTerm());
    }

    /** JRaft tells this for some changes only and without learners; see {@link JRaftAdapter#progressed}. */
    @Override
    public void onConfigurationCommitted(Configuration conf) {
        // Membership is taken from the node itself.
    }

    /** A committed membership; apply thread. */
    void replicas(Replicas replicas) {
        stateMachine.onReplicas(replicas);
    }

    @Override
    public void onError(com.alipay.sofa.jraft.error.RaftException error) {
        Throwable mine = poison.get();
        boolean disk = mine == null && error.getStatus().getRaftError() == RaftError.EIO;
        Throwable cause = mine != null
                ? mine
                : new RaftException(
                        disk ? RaftException.Kind.DISK : RaftException.Kind.STOPPED,
                        String.valueOf(error.getStatus().getErrorMsg()));
        if (mine != null) {
            LOG.error("replica dead, an entry can't be applied group={} replica={}", groupId, self, mine);
        } else {
            // One disk takes all groups with it; a trace of each would say nothing more.
            LOG.error("replica dead group={} replica={} cause={}", groupId, self, error.getStatus());
        }
        metrics.failures.increment();
        listener.died(cause, disk);
        stateMachine.onFailure(cause);
    }

    /** Another store says that the group has ended; any thread. */
    void onDissolved() {
        stateMachine.onDissolved();
    }

    @Override
    public void onShutdown() {
        // The adapter ends what waits.
    }
}
