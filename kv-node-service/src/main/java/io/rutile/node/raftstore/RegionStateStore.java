package io.rutile.node.raftstore;

import com.google.protobuf.InvalidProtocolBufferException;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.metapb.Region;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.EngineBatch;
import io.rutile.storage.engine.EngineSnapshot;
import io.rutile.storage.engine.KvCursor;
import io.rutile.storage.engine.RocksEngine;
import io.rutile.storage.engine.WriteBatch;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The store's own records, in {@link Cf#REGION}:
 *
 * <pre>
 * identity      := 01                → store_identity
 * region_state  := 02 region_id(8)   → region_state
 * applied_index := 03 region_id(8)   → index(8)
 * first_region  := 04                → metapb.Region that this store offered to PD and PD has not yet taken
 * encoding      := 05                → name of the API version that values are written in
 * </pre>
 *
 * Numbers are big-endian. See docs/formats/region-state.md. Thread-safe; touches the disk.
 */
public final class RegionStateStore {

    /** Where replicated data lies; {@link Cf#REGION} is the store's own. */
    static final List<Cf> DATA = List.of(Cf.DEFAULT, Cf.LOCK, Cf.WRITE, Cf.RAW, Cf.RAW_LOCK, Cf.RAW_WRITE);

    private static final byte IDENTITY = 1;
    private static final byte REGION_STATE = 2;
    private static final byte APPLIED_INDEX = 3;
    private static final byte FIRST_REGION = 4;
    private static final byte ENCODING = 5;

    private final RocksEngine engine;

    public RegionStateStore(RocksEngine engine) {
        this.engine = engine;
    }

    // ---- identity

    public Optional<StoreIdentity> identity() {
        return Optional.ofNullable(engine.get(Cf.REGION, new byte[] {IDENTITY})).map(StoreIdentity::decode);
    }

    /** Durable on return. */
    public void putIdentity(StoreIdentity identity) {
        write(new WriteBatch().put(Cf.REGION, ByteKey.wrap(new byte[] {IDENTITY}), identity.encode()));
    }

    /** What is there already, once more: a write that changes nothing. */
    void putIdentity(EngineBatch batch, StoreIdentity identity) {
        batch.put(Cf.REGION, new byte[] {IDENTITY}, identity.encode());
    }

    /**
     * Notes how values are encoded when the data is young, and compares ever after.
     *
     * @throws IllegalStateException with one sentence if the data was written in another encoding
     */
    public void requireEncoding(String name) {
        byte[] key = {ENCODING};
        byte[] known = engine.get(Cf.REGION, key);
        if (known == null) {
            write(new WriteBatch().put(Cf.REGION, ByteKey.wrap(key), name.getBytes(StandardCharsets.UTF_8)));
            return;
        }
        String before = new String(known, StandardCharsets.UTF_8);
        if (!before.equals(name)) {
            throw new IllegalStateException(
                    "the data directory was written with API version " + before + " and can't be opened with " + name);
        }
    }

    // ---- the first Region of a cluster, between the offer to PD and its answer

    public Optional<Region> firstRegion() {
        byte[] bytes = engine.get(Cf.REGION, new byte[] {FIRST_REGION});
        if (bytes == null) {
            return Optional.empty();
        }
        try {
            return Optional.of(Region.parseFrom(bytes));
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalArgumentException("the offered first region is damaged", e);
        }
    }

    public void putFirstRegion(Region region) {
        write(new WriteBatch().put(Cf.REGION, ByteKey.wrap(new byte[] {FIRST_REGION}), region.toByteArray()));
    }

    public void deleteFirstRegion() {
        write(new WriteBatch().delete(Cf.REGION, ByteKey.wrap(new byte[] {FIRST_REGION})));
    }

    // ---- replicas

    Optional<RegionState> state(long regionId) {
        return Optional.ofNullable(engine.get(Cf.REGION, key(REGION_STATE, regionId)))
                .map(RegionState::decode);
    }

    /** Every replica that has ever been here and is not forgotten: also tombstones. */
    List<RegionState> states() {
        List<RegionState> states = new ArrayList<>();
        KeyRange all =
                new KeyRange(ByteKey.wrap(new byte[] {REGION_STATE}), ByteKey.wrap(new byte[] {REGION_STATE + 1}));
        try (KvCursor cursor = engine.cursor(Cf.REGION, all)) {
            for (cursor.seekToFirst(); cursor.isValid(); cursor.next()) {
                states.add(RegionState.decode(cursor.value()));
            }
        }
        return states;
    }

    /** 0 for a replica without data. */
    long appliedIndex(long regionId) {
        return index(engine.get(Cf.REGION, key(APPLIED_INDEX, regionId)));
    }

    RegionState state(EngineSnapshot snapshot, long regionId) {
        byte[] bytes = snapshot.get(Cf.REGION, ByteKey.wrap(key(REGION_STATE, regionId)));
        if (bytes == null) {
            throw new IllegalStateException("region " + regionId + " has no state");
        }
        return RegionState.decode(bytes);
    }

    long appliedIndex(EngineSnapshot snapshot, long regionId) {
        return index(snapshot.get(Cf.REGION, ByteKey.wrap(key(APPLIED_INDEX, regionId))));
    }

    /** R1: joins the batch that the data is in. */
    void putAppliedIndex(EngineBatch batch, long regionId, long index) {
        batch.put(Cf.REGION, key(APPLIED_INDEX, regionId), indexBytes(index));
    }

    /** R1: joins the batch that the data is in. */
    void putState(EngineBatch batch, RegionState state) {
        batch.put(Cf.REGION, key(REGION_STATE, state.regionId()), state.encode());
    }

    /** State and index together, durable on return. */
    void put(RegionState state, long appliedIndex) {
        put(state, appliedIndex, List.of(), List.of());
    }

    /** The same, with states of other replicas, and all data in ranges that none of them owns any more goes. */
    void put(RegionState state, long appliedIndex, List<KeyRange> abandoned, List<RegionState> others) {
        WriteBatch batch = new WriteBatch()
                .put(Cf.REGION, ByteKey.wrap(key(REGION_STATE, state.regionId())), state.encode())
                .put(Cf.REGION, ByteKey.wrap(key(APPLIED_INDEX, state.regionId())), indexBytes(appliedIndex));
        for (RegionState other : others) {
            batch.put(Cf.REGION, ByteKey.wrap(key(REGION_STATE, other.regionId())), other.encode());
        }
        for (KeyRange range : abandoned) {
            DATA.forEach(cf -> batch.deleteRange(cf, range.start(), range.end()));
        }
        write(batch);
    }

    /** A replica that has no data, or none any more; durable on return. */
    void putWithoutData(RegionState state) {
        write(new WriteBatch()
                .put(Cf.REGION, ByteKey.wrap(key(REGION_STATE, state.regionId())), state.encode())
                .delete(Cf.REGION, ByteKey.wrap(key(APPLIED_INDEX, state.regionId()))));
    }

    private void write(WriteBatch batch) {
        engine.write(batch, true);
    }

    private static byte[] key(byte kind, long regionId) {
        return ByteBuffer.allocate(1 + Long.BYTES).put(kind).putLong(regionId).array();
    }

    private static byte[] indexBytes(long index) {
        return ByteBuffer.allocate(Long.BYTES).putLong(index).array();
    }

    private static long index(byte @Nullable [] bytes) {
        if (bytes == null) {
            return 0;
        }
        if (bytes.length != Long.BYTES) {
            throw new IllegalArgumentException("applied index of " + bytes.length + " bytes");
        }
        return ByteBuffer.wrap(bytes).getLong();
    }
}
