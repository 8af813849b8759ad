package io.rutile.raft.log;

import com.alipay.sofa.jraft.Status;
import com.alipay.sofa.jraft.error.RaftError;
import com.alipay.sofa.jraft.storage.LogManager.StableClosure;
import com.alipay.sofa.jraft.storage.impl.LogManagerImpl;
import com.lmax.disruptor.EventHandler;
import io.rutile.raft.disruptor.RingThreads;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.rocksdb.WriteBatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One file sync for what many groups append one after the other on the log's thread. An append is written at once and made durable at
 * the end of the round; whoever waits for that, the closure that JRaft runs after an append, is kept until then, so nobody is told
 * before it is true.
 *
 * <p>Whatever else a group asks of its log (a cut, a reset, its end) settles what is owed first and is then done as if there were no
 * rounds: closures of one group run in the order in which it gave them, and a cut never comes between an append and its closure.
 *
 * <p>Used by the log's thread alone, but for {@link #postpones}, which answers others that nothing of theirs is postponed.
 */
final class AppendRound implements RingThreads.Logs {

    private static final Logger LOG = LoggerFactory.getLogger(AppendRound.class);

    /** So much is written without a sync at most, and whoever waits for a vote's sync meanwhile waits for it too. */
    private static final long UNSYNCED_BYTES_MAX = 4L << 20;

    private static final int KEPT_MAX = 4_096;

    /** What an event of JRaft's log carries. Looked up once, so that another version of JRaft fails at start. */
    private static final VarHandle DONE;

    static {
        try {
            Class<?> event = Class.forName(LogManagerImpl.class.getName() + "$StableClosureEvent");
            DONE = MethodHandles.privateLookupIn(event, MethodHandles.lookup())
                    .findVarHandle(event, "done", StableClosure.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final RaftLog log;
    /** The thread whose appends are postponed at this moment; null while none are. */
    private volatile @Nullable Thread postponing;

    private final ArrayList<Kept> kept = new ArrayList<>();
    private int appends;
    private long unsyncedBytes;

    AppendRound(RaftLog log) {
        this.log = log;
    }

    @Override
    public <T> EventHandler<T> around(EventHandler<T> handler) {
        return (event, sequence, endOfBatch) -> {
            StableClosure closure = (StableClosure) DONE.get((Object) event);
            if (closure == null
                    || closure.getEntries() == null
                    || closure.getEntries().isEmpty()) {
                settle();
                handler.onEvent(event, sequence, endOfBatch);
                return;
            }
            DONE.set((Object) event, new Kept(closure));
            postponing = Thread.currentThread();
            try {
                handler.onEvent(event, sequence, endOfBatch);
            } finally {
                postponing = null;
            }
            if (unsyncedBytes >= UNSYNCED_BYTES_MAX || kept.size() >= KEPT_MAX) {
                settle();
            }
        };
    }

    /** Whether this thread's batch, which is written, is made durable by the end of the round; else by whoever asks. */
    boolean postpones(WriteBatch written) {
        if (postponing != Thread.currentThread()) {
            return false;
        }
        appends++;
        unsyncedBytes += written.getDataSize();
        return true;
    }

    @Override
    public void settle() {
        Status synced = Status.OK();
        if (appends > 0) {
            int writers = appends;
            appends = 0;
            unsyncedBytes = 0;
            try {
                log.sync(writers);
            } catch (LogFailure e) {
                synced = new Status(RaftError.EIO, "log not synced: %s", e.getMessage());
            }
        }
        if (kept.isEmpty()) {
            return;
        }
        List<Kept> due = List.copyOf(kept);
        kept.clear();
        for (Kept each : due) {
            each.tell(synced);
        }
    }

    /** Stands for JRaft's closure while an event is handled, and has it wait for the end of the round. */
    private final class Kept extends StableClosure {

        private final StableClosure closure;
        private Status appended = Status.OK();

        Kept(StableClosure closure) {
            super(closure.getEntries());
            this.closure = closure;
        }

        @Override
        public void run(Status status) {
            appended = status;
            if (postponing == Thread.currentThread()) {
                kept.add(this);
            } else {
                tell(Status.OK());
            }
        }

        void tell(Status synced) {
            try {
                closure.run(appended.isOk() ? synced : appended);
            } catch (RuntimeException | Error e) {
                // The next closure is another group's.
                LOG.error("append not told cause={}", e.toString(), e);
            }
        }
    }
}
