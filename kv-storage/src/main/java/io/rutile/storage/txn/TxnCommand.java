package io.rutile.storage.txn;

import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.WireLimits;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.storage.command.Command;
import io.rutile.storage.command.CommandResult;
import io.rutile.storage.command.ConcurrencyManager;
import io.rutile.storage.command.LatchSet;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.KvSnapshot;
import io.rutile.storage.engine.WriteBatch;
import io.rutile.storage.mvcc.KeyFailure;
import io.rutile.storage.mvcc.MvccKey;
import io.rutile.storage.mvcc.MvccReader;
import io.rutile.storage.mvcc.MvccTxn;
import io.rutile.storage.mvcc.ReleasedLock;
import java.util.List;

/**
 * One transactional RPC that changes something. Its keys' latches are its own while it decides, and until what it decided can be
 * read (P1). All keys or none: a {@link KeyFailure} drops what was collected.
 *
 * @param <R> the response
 */
abstract class TxnCommand<R> implements Command<R> {

    /** Of a command that is short. */
    static final int KEYS_FEW = 16;

    private final Context context;
    private final List<MvccKey> keys;
    private final long requestBytes;
    private List<ReleasedLock> released = List.of();

    /** @param requestBytes size of the request, from which that of the write follows */
    TxnCommand(Context context, List<MvccKey> keys, long requestBytes) {
        this.context = context;
        this.keys = keys;
        this.requestBytes = requestBytes;
    }

    /** True if it may choose a commit timestamp (P4). */
    boolean choosesCommitTs() {
        return false;
    }

    /** Raises max_ts to what it is going to judge by, before its snapshot is taken (P4). */
    void announce(ConcurrencyManager concurrency) {}

    /**
     * What follows from what the snapshot shows.
     *
     * @throws KeyFailure then nothing is changed and {@link #refused} is answered
     */
    abstract R decide(MvccReader reader, MvccTxn txn);

    abstract R refused(KeyError error);

    Context context() {
        return context;
    }

    List<MvccKey> keys() {
        return keys;
    }

    /** Locks that it took away, once it is settled and written. */
    List<ReleasedLock> released() {
        return released;
    }

    @Override
    public LatchSet latches() {
        LatchSet.Builder latches = LatchSet.builder().sharedRange(context.getRegionId());
        keys.forEach(key -> latches.exclusive(Cf.LOCK, key.encoded()));
        return latches.build();
    }

    @Override
    public long writeBytesMax() {
        return requestBytes;
    }

    /** Every transactional RPC may be applied twice (P5). */
    @Override
    public boolean replayable() {
        return true;
    }

    @Override
    public CommandResult<R> process(KvSnapshot snapshot) {
        MvccTxn txn = new MvccTxn();
        R answer;
        try (MvccReader reader = new MvccReader(snapshot)) {
            answer = decide(reader, txn);
        } catch (KeyFailure failure) {
            return new CommandResult<>(new WriteBatch(), refused(failure.error()));
        }
        if (txn.batch().sizeBytes() > WireLimits.ENTRY_BYTES_MAX) {
            throw RegionErrors.entryTooLarge(context.getRegionId(), txn.batch().sizeBytes());
        }
        released = txn.released();
        return new CommandResult<>(txn.batch(), answer);
    }
}
