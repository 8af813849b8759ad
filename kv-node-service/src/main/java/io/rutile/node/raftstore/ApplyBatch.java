package io.rutile.node.raftstore;

import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.EngineBatch;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * What the entries of one apply have collected so far: changes of data on their way into one engine batch, and the Region as the
 * entries before have left it. Used by one thread.
 */
final class ApplyBatch implements RaftCommand.Ops {

    private final EngineBatch changes;
    private RegionState state;
    private boolean regionChanged;
    private long keys;
    private long bytes;

    ApplyBatch(EngineBatch changes, RegionState state) {
        this.changes = changes;
        this.state = state;
    }

    /** Decides one command against the Region as it is by now (R4). */
    ApplyOutcome apply(RaftCommand command) {
        return command.fits(state.region().getRegionEpoch())
                ? command.applyTo(this)
                : ApplyOutcome.epochNotMatch(state.region());
    }

    @Override
    public void put(Cf cf, ByteBuffer key, ByteBuffer value) {
        changes.put(cf, key, value);
        keys++;
        bytes += key.remaining() + value.remaining();
    }

    @Override
    public void delete(Cf cf, ByteBuffer key) {
        changes.delete(cf, key);
        keys++;
        bytes += key.remaining();
    }

    /** An open end means the Region's: what lies behind belongs to somebody else. */
    @Override
    public void deleteRange(Cf cf, byte[] start, byte[] end) {
        changes.deleteRange(cf, start, end.length == 0 ? state.range().end().bytes() : end);
        keys++;
    }

    ApplyOutcome changePeer(PeerChange change) {
        Optional<String> refusal = change.refusal(state.region());
        if (refusal.isPresent()) {
            return ApplyOutcome.refused(refusal.get());
        }
        state = state.with(change.applyTo(state.region()));
        regionChanged = true;
        return ApplyOutcome.DONE;
    }

    RegionState state() {
        return state;
    }

    boolean regionChanged() {
        return regionChanged;
    }

    long keys() {
        return keys;
    }

    long bytes() {
        return bytes;
    }
}
