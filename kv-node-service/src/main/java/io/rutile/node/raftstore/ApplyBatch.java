package io.rutile.node.raftstore;

import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.metapb.Region;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.EngineBatch;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

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
    private final List<RaftCommand.CommitMerge> absorbed = new ArrayList<>();
    private long index;
    private final List<RaftCommand.VerifyHash> verifications = new ArrayList<>();
    private boolean hashDue;
    private long keys;
    private long bytes;
    private final boolean noteLocks;
    private final List<AppliedLocks.Change> locks = new ArrayList<>();
    private boolean locksUnclear;
    private final ChangeWatchers.@Nullable Notes notes;

    ApplyBatch(EngineBatch changes, RegionState state, boolean noteLocks) {
        this(changes, state, noteLocks, null);
    }

    /**
     * @param noteLocks if somebody wants to know what becomes of locks
     * @param notes of what it does, if somebody watches
     */
    ApplyBatch(EngineBatch changes, RegionState state, boolean noteLocks, ChangeWatchers.@Nullable Notes notes) {
        this.changes = changes;
        this.state = state;
        this.noteLocks = noteLocks;
        this.notes = notes;
    }

    /** Decides one command, at its place in the log, against the Region as it is by now (R4). */
    ApplyOutcome apply(long at, RaftCommand command) {
        if (!command.fits(state.region().getRegionEpoch())) {
            return ApplyOutcome.epochNotMatch(state.region());
        }
        if (state.isMerging() && !command.fitsMerging()) {
            return ApplyOutcome.refused(RegionErrors.proposalInMergingMode(state.regionId()));
        }
        index = at;
        return command.applyTo(this);
    }

    @Override
    public void put(Cf cf, ByteBuffer key, ByteBuffer value) {
        if (noteLocks && cf == Cf.LOCK) {
            locks.add(AppliedLocks.Change.put(key, value));
        }
        if (notes != null) {
            notes.put(index, cf, key, value);
        }
        changes.put(cf, key, value);
        keys++;
        bytes += key.remaining() + value.remaining();
    }

    @Override
    public void delete(Cf cf, ByteBuffer key) {
        if (noteLocks && cf == Cf.LOCK) {
            locks.add(AppliedLocks.Change.delete(key));
        }
        if (notes != null) {
            notes.delete(index, cf, key);
        }
        changes.delete(cf, key);
        keys++;
        bytes += key.remaining();
    }

    /** An open end means the Region's: what lies behind belongs to somebody else. */
    @Override
    public void deleteRange(Cf cf, byte[] start, byte[] end) {
        locksUnclear |= cf == Cf.LOCK;
        changes.deleteRange(cf, start, end.length == 0 ? state.range().end().bytes() : end);
        keys++;
    }

    ApplyOutcome changePeer(PeerChange change) {
        Optional<String> refusal = change.refusal(state.region());
        if (refusal.isPresent()) {
            return ApplyOutcome.refused(refusal.get());
        }
        change(state.with(change.applyTo(state.region())));
        return ApplyOutcome.DONE;
    }

    /** All of them or none. */
    ApplyOutcome changePeers(PeerChanges changes) {
        Optional<String> refusal = changes.refusal(state.region());
        if (refusal.isPresent()) {
            return ApplyOutcome.refused(refusal.get());
        }
        state = state.with(changes.applyTo(state.region()));
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
        change(state.with(split.remainder(parent)));
        List<Region> all = new ArrayList<>(regions);
        all.add(state.region());
        return ApplyOutcome.split(List.copyOf(all));
    }

    ApplyOutcome prepareMerge(Region target) {
        Optional<String> refusal = RegionMerge.refusal(state.region(), target);
        if (refusal.isPresent()) {
            return ApplyOutcome.refused(refusal.get());
        }
        change(state.with(RegionMerge.prepared(state.region())).with(new RegionMerge(target, index, false)));
        return ApplyOutcome.DONE;
    }

    ApplyOutcome commitMerge(RaftCommand.CommitMerge merge) {
        Optional<String> refusal = RegionMerge.refusal(merge.source(), state.region());
        if (refusal.isPresent()) {
            return ApplyOutcome.refused(refusal.get());
        }
        absorbed.add(merge);
        change(state.with(RegionMerge.merged(merge.source(), state.region())));
        return ApplyOutcome.DONE;
    }

    ApplyOutcome rollbackMerge(long prepared) {
        RegionMerge merge = state.merge();
        if (merge == null || merge.index() != prepared) {
            return ApplyOutcome.refused("no merge of index " + prepared + " is under way");
        }
        change(state.with(RegionMerge.renewed(state.region())).with((RegionMerge) null));
        return ApplyOutcome.DONE;
    }

    ApplyOutcome callOffMerge() {
        change(state.with(RegionMerge.renewed(state.region())));
        return ApplyOutcome.DONE;
    }

    private void change(RegionState next) {
        state = next;
        regionChanged = true;
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

    void computeHash() {
        hashDue = true;
    }

    void verifyHash(RaftCommand.VerifyHash verification) {
        verifications.add(verification);
    }

    /** True if the batch must end here: what the replica holds now is to be hashed. */
    boolean hashDue() {
        return hashDue;
    }

    /** Hashes that the leader has found, to compare with. */
    List<RaftCommand.VerifyHash> verifications() {
        return verifications;
    }

    /** What becomes of locks, in order; empty if nobody wanted to know. */
    List<AppliedLocks.Change> locks() {
        return locks;
    }

    /** True if that isn't all: another range, or a deleted one. */
    boolean locksUnclear() {
        return locksUnclear || rangesChange();
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

    /** Merges that were committed: whose range and data are this Region's from now on. */
    List<RaftCommand.CommitMerge> absorbed() {
        return absorbed;
    }

    /** True if ranges of this store change hands, or the Region stands back from its own: then the batch is synced (R2, R8). */
    boolean rangesChange() {
        return !cutOff.isEmpty() || !absorbed.isEmpty() || state.isMerging();
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
