package io.rutile.pd.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.rutile.pd.cluster.LocalCluster;
import io.rutile.pd.cluster.Regions;
import io.rutile.pd.cluster.StoreInfo;
import io.rutile.pd.cluster.StoreInfo.Liveness;
import io.rutile.pd.leader.Clocks;
import io.rutile.pd.leader.LeaderOptions;
import io.rutile.pd.meta.LocalMeta;
import io.rutile.pd.tso.ManualClock;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.metapb.Store;
import io.rutile.protocol.pdpb.Error;
import io.rutile.protocol.pdpb.ErrorType;
import io.rutile.protocol.pdpb.GetRegionByIDRequest;
import io.rutile.protocol.pdpb.GetStoreRequest;
import io.rutile.protocol.pdpb.PutStoreRequest;
import io.rutile.protocol.pdpb.RegionHeartbeatRequest;
import io.rutile.protocol.pdpb.RegionHeartbeatResponse;
import io.rutile.protocol.pdpb.StoreHeartbeatRequest;
import io.rutile.protocol.pdpb.StoreStats;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Stores that say too much, stores that say they are somebody else, and clocks that are wrong. */
class HeartbeatStormTest {

    private static final int STORES = 8;
    private static final int HEARTBEATS = 4_000;

    @TempDir
    Path directory;

    /** Every other heartbeat is stale and would be answered, and nobody reads the answers. */
    @Test
    void stormOfHeartbeatsIsTakenInAndOthersAreServedR10() {
        try (LocalPd pd = new LocalPd(LocalMeta.in(directory), DoorOptions.DEFAULTS)) {
            pd.bootstrapped();
            List<Storm> storms = new ArrayList<>();
            for (long store = 1; store <= STORES; store++) {
                pd.put(LocalCluster.store(store));
                Storm storm = new Storm(pd, store);
                pd.asyncStub().regionHeartbeat(storm);
                storms.add(storm);
            }

            long slowestNanos = 0;
            int calls = 0;
            while (calls < 20 || storms.stream().anyMatch(storm -> !storm.isOver())) {
                long begun = System.nanoTime();
                assertThat(pd.term().tso().take(1).join().physicalMs()).isPositive();
                pd.stub()
                        .getRegionByID(GetRegionByIDRequest.newBuilder()
                                .setHeader(pd.header())
                                .setRegionId(101)
                                .build());
                slowestNanos = Math.max(slowestNanos, System.nanoTime() - begun);
                calls++;
            }

            assertThat(TimeUnit.NANOSECONDS.toMillis(slowestNanos))
                    .as("the slowest of %d calls, ms", calls)
                    .isLessThan(2_000);
            Awaitility.await()
                    .atMost(LocalPd.PATIENCE)
                    .until(() -> storms.stream()
                            .allMatch(storm -> pd.term()
                                    .cluster()
                                    .region(100 + storm.store)
                                    .filter(region -> region.epoch().getVersion() == HEARTBEATS)
                                    .isPresent()));
            assertThat(pd.metrics.counter("kv.pd.cluster.heartbeats.rejected").count())
                    .isGreaterThan(STORES);
        }
    }

    /** Sends as long as the transport takes it; reads nothing. */
    private static final class Storm
            implements ClientResponseObserver<RegionHeartbeatRequest, RegionHeartbeatResponse> {
        private final LocalPd pd;
        private final long store;
        private volatile int sent;

        Storm(LocalPd pd, long store) {
            this.pd = pd;
            this.store = store;
        }

        @Override
        @SuppressWarnings("NonAtomicVolatileUpdate") // The stream's own thread sends.
        public void beforeStart(ClientCallStreamObserver<RegionHeartbeatRequest> out) {
            out.disableAutoRequestWithInitial(0);
            out.setOnReadyHandler(() -> {
                while (out.isReady() && sent < HEARTBEATS) {
                    sent++;
                    out.onNext(heartbeat(sent % 2 == 0 || sent == 1 ? sent : 1));
                }
            });
        }

        private RegionHeartbeatRequest heartbeat(int version) {
            String start = "s" + store;
            var info = Regions.region(100 + store, start, start + "x", store)
                    .epoch(1, version)
                    .info();
            return RegionHeartbeatRequest.newBuilder()
                    .setHeader(pd.header())
                    .setRegion(info.region())
                    .setLeader(info.region().getPeers(0))
                    .setTerm(5)
                    .build();
        }

        boolean isOver() {
            return sent == HEARTBEATS;
        }

        @Override
        public void onNext(RegionHeartbeatResponse answer) {}

        @Override
        public void onError(Throwable failure) {}

        @Override
        public void onCompleted() {}
    }

    /** An id is in the data directory: whoever has it is that store, at whatever address; an address alone is nobody. */
    @Test
    void storeIsWhoHasItsIdNotWhoHasItsAddress() {
        try (LocalPd pd = new LocalPd(LocalMeta.in(directory), DoorOptions.DEFAULTS)) {
            pd.bootstrapped().put(LocalCluster.store(2));
            Store moved =
                    LocalCluster.store(2).toBuilder().setAddress("127.0.0.1:7").build();

            assertThat(put(pd, moved)).isEqualTo(Error.getDefaultInstance());
            assertThat(address(pd, 2)).isEqualTo("127.0.0.1:7");
            Error refused = put(
                    pd,
                    LocalCluster.store(3).toBuilder().setAddress("127.0.0.1:7").build());

            assertThat(refused.getType()).isEqualTo(ErrorType.UNKNOWN);
            assertThat(refused.getMessage()).contains("duplicated store address", "already registered by store 2");
            assertThat(pd.meta.state().store(3)).isNull();
            assertThat(address(pd, 2)).isEqualTo("127.0.0.1:7");
            // The address that it left is free.
            assertThat(put(
                            pd,
                            LocalCluster.store(3).toBuilder()
                                    .setAddress(LocalCluster.store(2).getAddress())
                                    .build()))
                    .isEqualTo(Error.getDefaultInstance());
        }
    }

    /** Silence is measured on the monotonic clock, so nobody is taken for dead because the wall clock jumped. */
    @Test
    void wallClockThatIsTenMinutesOffMakesNobodyOldT1() {
        ManualClock wall = new ManualClock(1_700_000_000_000L);
        Clocks clocks = new Clocks(wall, System::nanoTime);
        try (LocalPd pd = new LocalPd(LocalMeta.in(directory), DoorOptions.DEFAULTS, LeaderOptions.DEFAULTS, clocks)) {
            pd.bootstrapped();
            heartbeat(pd);
            long before = pd.term().tso().take(1).join().value();

            wall.advance(3_600_000);
            assertThat(liveness(pd)).isEqualTo(Liveness.UP);
            long ahead = pd.term().tso().take(1).join().value();
            wall.advance(-2 * 3_600_000);
            heartbeat(pd);
            assertThat(liveness(pd)).isEqualTo(Liveness.UP);
            long behind = pd.term().tso().take(1).join().value();

            assertThat(List.of(before, ahead, behind)).isSorted().doesNotHaveDuplicates();
            assertThat(pd.term().cluster().regionByKey(ByteKey.EMPTY)).isPresent();
        }
    }

    private static void heartbeat(LocalPd pd) {
        pd.stub()
                .storeHeartbeat(StoreHeartbeatRequest.newBuilder()
                        .setHeader(pd.header())
                        .setStats(StoreStats.newBuilder().setStoreId(1))
                        .build());
    }

    private static Liveness liveness(LocalPd pd) {
        return pd.term().cluster().stores().stream()
                .filter(store -> store.id() == 1)
                .map(StoreInfo::liveness)
                .findFirst()
                .orElseThrow();
    }

    private static Error put(LocalPd pd, Store store) {
        return pd.stub()
                .putStore(PutStoreRequest.newBuilder()
                        .setHeader(pd.header())
                        .setStore(store)
                        .build())
                .getHeader()
                .getError();
    }

    private static String address(LocalPd pd, long store) {
        return pd.stub()
                .getStore(GetStoreRequest.newBuilder()
                        .setHeader(pd.header())
                        .setStoreId(store)
                        .build())
                .getStore()
                .getAddress();
    }
}
