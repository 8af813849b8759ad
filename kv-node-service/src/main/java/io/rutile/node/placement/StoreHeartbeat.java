package io.rutile.node.placement;

import io.rutile.client.pd.PdClient;
import io.rutile.node.raftstore.DiskGuard;
import io.rutile.node.raftstore.RaftStore;
import io.rutile.node.raftstore.RegionPeer;
import io.rutile.node.raftstore.RegionTraffic;
import io.rutile.protocol.pdpb.StoreStats;
import io.rutile.protocol.pdpb.TimeInterval;
import io.rutile.storage.engine.EngineStats;
import java.time.Clock;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a store reports about itself: space, load, how many Regions. Used by the link's thread. */
@SuppressWarnings("FutureReturnValueIgnored") // a missed heartbeat is reported by the callback
final class StoreHeartbeat {

    private static final Logger log = LoggerFactory.getLogger(StoreHeartbeat.class);

    private final PdClient pd;
    private final RaftStore store;
    private final DiskGuard disk;
    private final Clock clock;
    private final long startedSeconds;

    private final AtomicInteger missed = new AtomicInteger();
    private long lastSeconds;
    private RegionTraffic.Totals last = RegionTraffic.Totals.NONE;
    private volatile boolean stopping;

    StoreHeartbeat(PdClient pd, RaftStore store, DiskGuard disk, Clock clock) {
        this.pd = pd;
        this.store = store;
        this.disk = disk;
        this.clock = clock;
        this.startedSeconds = clock.instant().getEpochSecond();
        this.lastSeconds = startedSeconds;
    }

    /** From here on the reports say that this store is going down. */
    void stopping() {
        stopping = true;
    }

    /** Reports once. PD being away is said once, not every ten seconds. */
    void send() {
        pd.storeHeartbeat(stats()).whenComplete((answer, failure) -> {
            if (failure == null) {
                if (missed.getAndSet(0) > 0) {
                    log.info("PD hears this store again storeId={}", store.storeId());
                }
            } else if (missed.getAndIncrement() == 0) {
                log.warn("PD doesn't hear this store storeId={} reason={}", store.storeId(), failure.getMessage());
            }
        });
    }

    private StoreStats stats() {
        EngineStats engineNow = store.engineStats();
        RegionTraffic.Totals now = store.replicas().stream()
                .map(peer -> peer.traffic().totals())
                .reduce(RegionTraffic.Totals.NONE, RegionTraffic.Totals::plus);
        RegionTraffic.Totals since = now.minus(last);
        long nowSeconds = clock.instant().getEpochSecond();
        StoreStats stats = StoreStats.newBuilder()
                .setStoreId(store.storeId())
                .setCapacity(disk.totalBytes())
                .setAvailable(disk.usableBytes())
                .setUsedSize(engineNow.tableBytesOnDisk() + engineNow.memtableBytes())
                .setRegionCount((int) store.replicas().stream()
                        .filter(RegionPeer::isInitialized)
                        .count())
                .setStartTime((int) startedSeconds)
                .setIsBusy(disk.isFull() || engineNow.writesStopped())
                .setBytesWritten(Math.max(0, since.bytesWritten()))
                .setKeysWritten(Math.max(0, since.keysWritten()))
                .setBytesRead(Math.max(0, since.bytesRead()))
                .setKeysRead(Math.max(0, since.keysRead()))
                .setInterval(
                        TimeInterval.newBuilder().setStartTimestamp(lastSeconds).setEndTimestamp(nowSeconds))
                .setSlowScore(store.slowScore())
                .addAllDamagedRegionsId(store.deadRegions())
                .setIsStopping(stopping)
                .build();
        last = now;
        lastSeconds = nowSeconds;
        return stats;
    }
}
