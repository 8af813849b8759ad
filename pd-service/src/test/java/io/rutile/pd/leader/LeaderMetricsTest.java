package io.rutile.pd.leader;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.pd.cluster.ClusterState;
import io.rutile.pd.cluster.LocalCluster;
import io.rutile.pd.cluster.Regions;
import io.rutile.pd.http.HttpOptions;
import io.rutile.pd.meta.LocalMeta;
import io.rutile.pd.rpc.DoorOptions;
import io.rutile.pd.rpc.LocalPd;
import io.rutile.protocol.pdpb.StoreStats;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LeaderMetricsTest {

    private static final Duration FRESH = Duration.ofSeconds(10);

    @TempDir
    Path directory;

    private final AtomicLong nanos = new AtomicLong();
    private LocalPd pd;

    @BeforeEach
    void start() {
        pd = new LocalPd(
                        LocalMeta.in(directory),
                        DoorOptions.DEFAULTS,
                        LeaderOptions.DEFAULTS,
                        new Clocks(InstantSource.system(), nanos::get),
                        HttpOptions.DEFAULTS)
                .bootstrapped();
    }

    @AfterEach
    void stop() {
        pd.close();
    }

    @Test
    void storesAreCountedByHowLongTheyAreSilentAndWhetherTheyLeave() {
        pd.put(LocalCluster.store(2), LocalCluster.store(3));
        heard(1, 2, 3);
        assertThat(stores("up")).isEqualTo(3);

        pass(LocalCluster.DISCONNECTED_AFTER.plusSeconds(1));
        heard(1);
        assertThat(stores("up")).isEqualTo(1);
        assertThat(stores("disconnected")).isEqualTo(2);

        pass(LocalCluster.DOWN_AFTER);
        heard(1, 2);
        assertThat(stores("up")).isEqualTo(2);
        assertThat(stores("disconnected")).isZero();
        assertThat(stores("down")).isEqualTo(1);
        assertThat(stores("offline")).isZero();
    }

    @Test
    void faultyRegionsAreCountedOnceInTenSecondsAndOnlyByTheLeader() {
        ClusterState cluster = pd.term().cluster();
        cluster.observe(Regions.region(2, "", "m", 1, 2, 3)
                .epoch(2, 2)
                .down(3, Duration.ofMinutes(1))
                .info());
        cluster.observe(Regions.region(5, "m", "", 1, 2).epoch(2, 2).pending(2).info());
        assertThat(faulty("miss-peer")).isEqualTo(1);
        assertThat(faulty("down-peer")).isEqualTo(1);
        assertThat(faulty("pending-peer")).isEqualTo(1);

        cluster.observe(Regions.region(5, "m", "", 1, 2, 3).epoch(3, 2).info());
        assertThat(faulty("miss-peer")).isEqualTo(1);
        pass(FRESH);
        assertThat(faulty("miss-peer")).isZero();
        assertThat(faulty("down-peer")).isEqualTo(1);

        pd.follow(2);
        assertThat(faulty("down-peer")).isZero();
        assertThat(value("kv.pd.leader")).isZero();
    }

    private void heard(long... stores) {
        for (long store : stores) {
            pd.term()
                    .cluster()
                    .observe(StoreStats.newBuilder().setStoreId(store).build());
        }
    }

    private void pass(Duration time) {
        nanos.addAndGet(time.toNanos());
    }

    private double stores(String state) {
        return value("kv.pd.cluster.stores", "state", state);
    }

    private double faulty(String check) {
        return value("kv.pd.cluster.regions.faulty", "check", check);
    }

    private double value(String name, String... tags) {
        return pd.metrics.get(name).tags(tags).gauge().value();
    }
}
