package io.rutile.node.raftstore;

import io.rutile.protocol.metapb.Region;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.EngineBatch;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What the entries of one apply have collected so far: changes of data on their way into one engine batch, and the Region as the
 * entries before have left it. Used by one thread.
 */
final class ApplyBatch implements RaftCommand.Ops {

    private final EngineBatch changes;
    private RegionState state;
    private boolean regionChanged;
    private final List<Region> cutOff = new ArrayList<>();
    private final List<RegionState> children = new ArrayList<>();
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

    ApplyOutcome split(RegionSplit split) {
        Region parent = state.region();
        Optional<String> refusal = split.refusal(parent);
        if (refusal.isPresent()) {
            return ApplyOutcome.refused(refusal.get());
        }
        List<Region> regions = split.children(parent);
        cutOff.addAll(regions);
        int self = indexOfSelf(parent);
        if (self >= 0) {
            regions.forEach(child ->
                    children.add(RegionState.normal(child.getPeers(self).getId(), child)));
        }
        state = state.with(split.remainder(parent));
        regionChanged = true;
        List<Region> all = new ArrayList<>(regions);
        all.add(state.region());
        return ApplyOutcome.split(List.copyOf(all));
    }

    /** Which of the Region's peers this replica is; negative once it has been let go. */
    private int indexOfSelf(Region region) {
        for (int i = 0; i < region.getPeersCount(); i++) {
            if (region.getPeers(i).getId() == state.peerId()) {
                return i;
            }
        }
        return -1;
    }

    EngineBatch changes() {
        return changes;
    }

    /** Regions that are no longer this one. */
    List<Region> cutOff() {
        return cutOff;
    }

    /** Replicas on this store of Regions that were cut off, as far as this replica was a member then. */
    List<RegionState> children() {
        return children;
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
