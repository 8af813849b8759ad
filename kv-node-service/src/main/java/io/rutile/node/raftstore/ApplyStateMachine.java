package io.rutile.node.raftstore;

import com.google.protobuf.ByteString;
import io.rutile.protocol.Epochs;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.metapb.Region;
import io.rutile.raft.CommittedEntries;
import io.rutile.raft.Replica;
import io.rutile.raft.Replicas;
import io.rutile.raft.ReplicatedStateMachine;
import io.rutile.storage.engine.EngineBatch;
import io.rutile.storage.engine.EngineException;
import io.rutile.storage.engine.EngineSnapshot;
import io.rutile.storage.engine.RocksEngine;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Applies one Region's committed entries: many entries, one engine batch, with the applied index and, if it changed, the Region
 * state in it (R1). Deterministic: no clock, no random, nothing but the entry and the state before it.
 *
 * <p>Threads: apply, images and news come one at a time from the raft room, as {@link ReplicatedStateMachine} says; the state may
 * be read from anywhere.
 */
final class ApplyStateMachine implements ReplicatedStateMachine<ApplyOutcome> {

    /** Who hears what happened; called on the group's threads. */
    interface Listener {

        void onLeaderStart(long term);

        void onLeaderStop();

        /** Its members, or the replica's state as a whole, have changed. */
        void onRegionChanged();

        /** It is about to take another Region's range over; nothing of it can be seen yet. */
        default void onAbsorb() {}

        /** It has given a part of its range away; {@link Ranges#exchange} sees to the news. */
        void onSplit();

        /** Neither the Region nor Raft's membership has this replica any more. */
        void onExpelled();

        /** Another store knows that the Region has ended. */
        default void onDissolved() {}

        void onFailure(Throwable cause);

        /** Another replica is about to serve a read; see {@link ReplicatedStateMachine#onReadIndex}. */
        byte @Nullable [] onReadIndex(byte[] question);

        /** What the engine holds at this moment, and until this returns, is the Region after exactly this entry. */
        default void onHashDue(long index, Region region) {}

        /** The leader has found this hash at an index that was due before. */
        default void onHashOfLeader(long index, ByteString hash) {}
    }

    /** Where ranges of this store change hands (R6). */
    interface Ranges extends RegionImages.Ranges {

        /**
         * Takes a Region over to what a batch has made of it, together with every other replica here that this concerns.
         *
         * @param region whose batch it is; its state is still the old one
         * @param publish makes all of it durable in one step (R1); called once, while nobody else can take a range
         * @throws IllegalStateException if a merge was committed whose source isn't here as it was prepared
         */
        void exchange(ApplyStateMachine region, ApplyBatch changes, Consumer<Exchange> publish);
    }

    /**
     * What a batch means for the replicas of this store.
     *
     * @param own the Region's state after it
     * @param born pieces that begin to live here
     * @param others replicas of other Regions whose states change with it: those whose range is taken over, and those that learn
     *     that they won't be
     */
    record Exchange(RegionState own, List<RegionState> born, List<RegionState> others) {}

    /** Larger native batches are not kept from one apply to the next. */
    private static final long BATCH_BYTES_KEPT = 1 << 20;

    private final long regionId;
    private final Replica self;
    private final RocksEngine engine;
    private final RegionStateStore states;
    private final RegionImages images;
    private final Ranges ranges;
    private final DataDisk disk;
    private final RegionTraffic traffic = new RegionTraffic();
    private final AppliedLocks locks;
    private final ChangeWatchers watchers = new ChangeWatchers();

    private volatile @Nullable RegionState state;
    private volatile long appliedIndex;
    private volatile @Nullable Listener listener;
    /** Images whose installation has begun; while one is under way, what a snapshot holds is neither the old nor the new. */
    private final AtomicLong imagesBegun = new AtomicLong();

    private volatile boolean imageUnderWay;
    /** Used by apply alone; closed by {@link #close} when nothing runs any more. */
    private @Nullable EngineBatch batch;

    ApplyStateMachine(
            long regionId,
            Replica self,
            RocksEngine engine,
            RegionStateStore states,
            RegionImages images,
            Ranges ranges,
            AppliedLocks locks,
            @Nullable RegionState state) {
        this(regionId, self, engine, states, images, ranges, locks, engine::write, state);
    }

    ApplyStateMachine(
            long regionId,
            Replica self,
            RocksEngine engine,
            RegionStateStore states,
            RegionImages images,
            Ranges ranges,
            AppliedLocks locks,
            DataDisk disk,
            @Nullable RegionState state) {
        this.regionId = regionId;
        this.self = self;
        this.engine = engine;
        this.states = states;
        this.images = images;
        this.ranges = ranges;
        this.disk = disk;
        this.locks = locks;
        this.state = state;
        this.appliedIndex = state == null ? 0 : states.appliedIndex(regionId);
    }

    /** Once, before the group starts. */
    void listen(Listener to) {
        listener = to;
    }

    @Override
    public void apply(CommittedEntries<ApplyOutcome> entries) {
        RegionState before = state;
        if (before == null) {
            // R2: a replica that holds nothing begins with an image, never with the log.
            throw new IllegalStateException("region " + regionId + " has no image yet and can't replay its log");
        }
        if (before.status() == RegionState.Status.APPLYING) {
            // The old data is gone and the new one is not all there: what came on top of it would be right nowhere.
            throw new EngineException(
                    EngineException.Kind.IO, "the image of region " + regionId + " is only half in place", null);
        }
        boolean noteLocks = locks.open();
        ChangeWatchers.Notes notes = watchers.open();
        try {
            apply(entries, before, noteLocks, notes);
        } finally {
            locks.close();
            watchers.close();
        }
    }

    private void apply(
            CommittedEntries<ApplyOutcome> entries,
            RegionState before,
            boolean noteLocks,
            ChangeWatchers.@Nullable Notes notes) {
        ApplyBatch collected = new ApplyBatch(batch(), before, noteLocks, notes);
        while (entries.next()) {
            long at = entries.index();
            if (at <= appliedIndex) {
                // R1: an entry that is in the engine already is never applied twice.
                continue;
            }
            ApplyOutcome outcome = collected.apply(at, RaftCommand.decode(entries.data()));
            if (!collected.hashDue()) {
                entries.complete(outcome);
                continue;
            }
            // Replicas cut the log into batches as it comes to each of them, so what is hashed ends with the entry
            // itself.
            RegionState hashed = finish(collected, at, notes);
            tell(to -> to.onHashDue(at, hashed.region()));
            entries.complete(ApplyOutcome.hashedAt(at));
            collected = new ApplyBatch(batch(), hashed, noteLocks, notes);
        }
        long index = entries.index();
        if (index > appliedIndex) {
            finish(collected, index, notes);
        }
    }

    /**
     * Makes it durable and visible, and tells who wants to know.
     *
     * @return the state after it
     */
    private RegionState finish(ApplyBatch collected, long index, ChangeWatchers.@Nullable Notes notes) {
        RegionState old = Objects.requireNonNull(state, "state");
        EngineBatch changes = collected.changes();
        // P8: before any of it can be seen, for whoever sees a lock may go on to fetch its commit timestamp.
        locks.announce(index, collected.locks(), collected.locksUnclear());
        if (collected.regionChanged()) {
            if (!collected.absorbed().isEmpty()) {
                tell(Listener::onAbsorb);
            }
            ranges.exchange(this, collected, exchange -> {
                bequeath(collected.cutOff(), exchange.born(), changes);
                exchange.others().forEach(other -> states.putState(changes, other));
                states.putState(changes, exchange.own());
                // Announced before it is written: a reader that sees the old Region has a snapshot from before the
                // change.
                RegionState before = state;
                state = exchange.own();
                try {
                    // Synced where ranges change hands: from here on others have logs that don't bring this back (R2,
                    // R8).
                    write(changes, index, collected.rangesChange());
                } catch (RuntimeException e) {
                    // R6: what isn't written hasn't changed hands, and nobody else may take it for free.
                    state = before;
                    throw e;
                }
            });
        } else {
            write(changes, index, false);
        }
        locks.settle(collected.locks());
        if (notes != null) {
            notes.settle(index);
        }
        if (!Epochs.sameVersion(
                old.region().getRegionEpoch(), collected.state().region().getRegionEpoch())) {
            watchers.end();
        }
        release(changes);
        traffic.wrote(collected.keys(), collected.bytes());
        if (!collected.cutOff().isEmpty()) {
            tell(Listener::onSplit);
        } else if (collected.regionChanged()) {
            tell(Listener::onRegionChanged);
        }
        collected.verifications().forEach(found -> tell(to -> to.onHashOfLeader(found.index(), found.hash())));
        return Objects.requireNonNull(state, "state");
    }

    /** R1: data, Region and applied index in one step. */
    private void write(EngineBatch changes, long index, boolean sync) {
        states.putAppliedIndex(changes, regionId, index);
        disk.write(changes, sync);
        appliedIndex = index;
    }

    /** What was cut off begins with the data that is here, or, if it doesn't live here, leaves none behind (R5). */
    private void bequeath(List<Region> cutOff, List<RegionState> living, EngineBatch changes) {
        Set<Long> heirs = living.stream().map(RegionState::regionId).collect(Collectors.toSet());
        for (RegionState child : living) {
            states.putState(changes, child);
            states.putAppliedIndex(changes, child.regionId(), RaftStore.FIRST_INDEX);
        }
        for (Region region : cutOff) {
            if (!heirs.contains(region.getId())) {
                KeyRange range = RaftStore.rangeOf(region);
                RegionStateStore.DATA.forEach(cf -> changes.deleteRange(
                        cf, range.start().bytes(), range.end().bytes()));
            }
        }
    }

    private EngineBatch batch() {
        EngineBatch kept = batch;
        if (kept == null) {
            kept = engine.newBatch();
            batch = kept;
        } else {
            kept.clear();
        }
        return kept;
    }

    private void release(EngineBatch used) {
        if (used.sizeBytes() > BATCH_BYTES_KEPT) {
            batch = null;
            used.close();
        }
    }

    @Override
    public long appliedIndex() {
        return appliedIndex;
    }

    @Override
    public void persist() throws IOException {
        try {
            engine.syncWal();
        } catch (EngineException e) {
            throw new IOException("applied data of region " + regionId + " can't be synced", e);
        }
    }

    @Override
    public long writeImage(Path directory) throws IOException {
        try (EngineSnapshot snapshot = engine.snapshot()) {
            return images.write(
                    snapshot, states.state(snapshot, regionId), states.appliedIndex(snapshot, regionId), directory);
        }
    }

    @Override
    public void installImage(Path directory) throws IOException {
        images.install(this, directory);
        tell(Listener::onRegionChanged);
    }

    /** From before anything of an image, or of what it replaces, is written; called by {@link RegionImages} alone. */
    void replacing() {
        imageUnderWay = true;
        imagesBegun.incrementAndGet();
        locks.replaced(0);
        watchers.end();
    }

    /** The new state while an image is being applied, and after; called by {@link RegionImages} alone. */
    void replaced(RegionState next, long index) {
        locks.replaced(index);
        state = next;
        appliedIndex = index;
        if (next.status() == RegionState.Status.NORMAL) {
            imageUnderWay = false;
        }
    }

    @Override
    public void onLeaderStart(long term) {
        tell(to -> to.onLeaderStart(term));
    }

    @Override
    public void onLeaderStop() {
        watchers.end();
        tell(Listener::onLeaderStop);
    }

    @Override
    public void onReplicas(Replicas replicas) {
        RegionState now = state;
        if (now != null && !now.isMember() && !replicas.contains(self)) {
            tell(Listener::onExpelled);
        }
    }

    @Override
    public byte @Nullable [] onReadIndex(byte[] question) {
        Listener to = listener;
        if (to == null) {
            throw new IllegalStateException("region " + regionId + " is just starting");
        }
        return to.onReadIndex(question);
    }

    @Override
    public void onDissolved() {
        tell(Listener::onDissolved);
    }

    @Override
    public void onFailure(Throwable cause) {
        watchers.end();
        tell(to -> to.onFailure(cause));
    }

    private void tell(Consumer<Listener> news) {
        Listener to = listener;
        if (to != null) {
            news.accept(to);
        }
    }

    /**
     * Another state, for a reason outside its log: it is being taken down, or its neighbour has decided about its merge. Durable
     * already, and under the lock of whoever hands ranges over, so that no apply overwrites it.
     */
    void become(RegionState next) {
        state = next;
        watchers.end();
    }

    long regionId() {
        return regionId;
    }

    Replica self() {
        return self;
    }

    @Nullable RegionState state() {
        return state;
    }

    RegionTraffic traffic() {
        return traffic;
    }

    /** Its locks, for as long as somebody wants to know them. */
    AppliedLocks locks() {
        return locks;
    }

    /** Who is told what becomes of its records. */
    ChangeWatchers watchers() {
        return watchers;
    }

    EngineSnapshot engineSnapshot() {
        return engine.snapshot();
    }

    /** The last index whose effects a snapshot holds. */
    long appliedIndex(EngineSnapshot snapshot) {
        return states.appliedIndex(snapshot, regionId);
    }

    /** A snapshot without half an image in it; null while one is being put in place. Needed where nobody leads: leaders get none. */
    @Nullable EngineSnapshot settledSnapshot() {
        long before = imagesBegun.get();
        if (imageUnderWay) {
            return null;
        }
        EngineSnapshot snapshot = engine.snapshot();
        if (imagesBegun.get() != before) {
            snapshot.close();
            return null;
        }
        return snapshot;
    }

    /** After the group has stopped. */
    void close() {
        EngineBatch kept = batch;
        batch = null;
        if (kept != null) {
            kept.close();
        }
    }
}
