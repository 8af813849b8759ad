package io.rutile.client.testing;

import com.google.protobuf.ByteString;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.MemComparable;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.RegionEpoch;
import io.rutile.protocol.metapb.Store;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * PD and stores with one truth about Regions and data. PD hears of a change only when the test says so, as heartbeats are late.
 *
 * <p>Every Region has a peer on every store; peer id = region id × 100 + store id.
 */
public final class FakeCluster implements AutoCloseable {

    public final FakePd pd;
    public final List<FakeStore> stores = new ArrayList<>();
    public final ConcurrentSkipListMap<ByteKey, byte[]> data = new ConcurrentSkipListMap<>();
    /** The transactional data, apart from the raw one as in a store. */
    public final FakeMvcc mvcc = new FakeMvcc();

    /** Stores are of API V2: raw keys begin with 'r' and a keyspace id, and Regions' borders are encoded. {@link #data} has wire keys. */
    public volatile boolean apiV2;

    final Map<Long, io.rutile.protocol.pdpb.Region> truth = new ConcurrentHashMap<>();

    /** One Region with all keys, id 1, led by store 1. */
    public FakeCluster(int pdMembers, int storeCount) {
        pd = new FakePd(pdMembers);
        for (int i = 1; i <= storeCount; i++) {
            FakeStore store = new FakeStore(this, i);
            stores.add(store);
            announce(store);
        }
        regions("");
    }

    /** Tells PD where the store is now. */
    public void announce(FakeStore store) {
        pd.stores.put(
                store.id(),
                Store.newBuilder()
                        .setId(store.id())
                        .setAddress(store.address())
                        .setVersion("8.5.0")
                        .build());
    }

    public FakeStore store(long id) {
        return stores.get((int) id - 1);
    }

    /** New Regions with these borders, led in turn by the stores; ids from 1. PD knows them. */
    public void regions(String... starts) {
        regionsAt(Arrays.stream(starts).map(ByteString::copyFromUtf8).toList());
    }

    /** As {@link #regions}, with borders between transactional keys. */
    public void txnRegions(String... starts) {
        regionsAt(Arrays.stream(starts)
                .map(start -> start.isEmpty() ? ByteString.EMPTY : border(start).toByteString())
                .toList());
    }

    /** A transactional key as borders are written. */
    public static ByteKey border(String key) {
        return ByteKey.wrap(MemComparable.encode(key.getBytes(StandardCharsets.UTF_8)));
    }

    /** As {@link #regions}, with these borders as PD writes them. */
    public void regionsBetween(ByteKey... borders) {
        List<ByteString> starts = new ArrayList<>(List.of(ByteString.EMPTY));
        Arrays.stream(borders).sorted().map(ByteKey::toByteString).forEach(starts::add);
        regionsAt(starts);
    }

    /** A raw key as stores route it. */
    ByteKey rawBorder(ByteKey key) {
        return apiV2 ? ByteKey.wrap(MemComparable.encode(key.bytes())) : key;
    }

    private void regionsAt(List<ByteString> starts) {
        truth.clear();
        for (int i = 0; i < starts.size(); i++) {
            ByteString end = i + 1 < starts.size() ? starts.get(i + 1) : ByteString.EMPTY;
            put(i + 1, starts.get(i), end, 1, 1 + i % stores.size());
        }
        tellPd();
    }

    /** Splits without telling PD. The right part gets the new id; both get the next version. */
    public void split(long regionId, ByteKey at, long newId) {
        io.rutile.protocol.pdpb.Region old = region(regionId);
        long version = old.getRegion().getRegionEpoch().getVersion() + 1;
        long leader = old.getLeader().getStoreId();
        put(regionId, old.getRegion().getStartKey(), at.toByteString(), version, leader);
        put(newId, at.toByteString(), old.getRegion().getEndKey(), version, leader);
    }

    /**
     * Moves the leader without telling PD.
     *
     * @param storeId 0 for "an election is on"
     */
    public void lead(long regionId, long storeId) {
        io.rutile.protocol.pdpb.Region old = region(regionId);
        put(
                regionId,
                old.getRegion().getStartKey(),
                old.getRegion().getEndKey(),
                old.getRegion().getRegionEpoch().getVersion(),
                storeId);
    }

    public void tellPd() {
        pd.regions.clear();
        pd.regions.putAll(truth);
    }

    public io.rutile.protocol.pdpb.Region region(long id) {
        io.rutile.protocol.pdpb.Region region = truth.get(id);
        if (region == null) {
            throw new IllegalArgumentException("no region " + id);
        }
        return region;
    }

    private void put(long id, ByteString start, ByteString end, long version, long leaderStore) {
        Region.Builder region = Region.newBuilder()
                .setId(id)
                .setStartKey(start)
                .setEndKey(end)
                .setRegionEpoch(RegionEpoch.newBuilder().setConfVer(1).setVersion(version));
        Peer leader = Peer.getDefaultInstance();
        for (FakeStore store : stores) {
            Peer peer = Peer.newBuilder()
                    .setId(id * 100 + store.id())
                    .setStoreId(store.id())
                    .build();
            region.addPeers(peer);
            leader = store.id() == leaderStore ? peer : leader;
        }
        truth.put(
                id,
                io.rutile.protocol.pdpb.Region.newBuilder()
                        .setRegion(region)
                        .setLeader(leader)
                        .build());
    }

    static KeyRange rangeOf(Region region) {
        return new KeyRange(ByteKey.of(region.getStartKey()), ByteKey.of(region.getEndKey()));
    }

    @Override
    public void close() {
        stores.forEach(FakeStore::kill);
        pd.close();
    }
}
