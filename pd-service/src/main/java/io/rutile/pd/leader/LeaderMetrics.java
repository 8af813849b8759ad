package io.rutile.pd.leader;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.pd.cluster.ClusterState;
import io.rutile.pd.cluster.RegionFaults;
import io.rutile.pd.cluster.StoreInfo;
import io.rutile.protocol.metapb.StoreState;
import java.time.Duration;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * What an operator sees of the cluster through PD's leader; all 0 on a member that does not lead. Read by whoever asks for metrics:
 * a walk over all Regions is made at most every ten seconds, and only while somebody asks.
 */
final class LeaderMetrics {

    private static final long FRESH_NANOS = Duration.ofSeconds(10).toNanos();

    private final Leadership leadership;
    private final LongSupplier nanoClock;
    private @Nullable Walked last;

    private record Walked(ClusterState cluster, RegionFaults faults, long atNanos) {}

    private LeaderMetrics(Leadership leadership, LongSupplier nanoClock) {
        this.leadership = leadership;
        this.nanoClock = nanoClock;
    }

    static void show(Leadership leadership, LongSupplier nanoClock, MeterRegistry metrics) {
        new LeaderMetrics(leadership, nanoClock).register(metrics);
    }

    private void register(MeterRegistry metrics) {
        gauge("kv.pd.leader", "1 where this member leads and hands out timestamps", term -> 1)
                .register(metrics);
        gauge(
                        "kv.pd.cluster.regions",
                        "Regions that heartbeats told the leader of",
                        term -> term.cluster().regionCount())
                .register(metrics);
        gauge(
                        "kv.pd.cluster.heat.ranges",
                        "Ranges of keys that the heat map tells apart now",
                        term -> term.cluster().heat().ranges())
                .register(metrics);
        gauge(
                        "kv.pd.schedule.running",
                        "Operators under way",
                        term -> term.operators().size())
                .register(metrics);
        gauge(
                        "kv.pd.tso.ahead",
                        "How far timestamps are ahead of the leader's clock",
                        term -> term.tso().aheadOfClock().toMillis() / 1_000.0)
                .baseUnit("seconds")
                .register(metrics);
        stores("up", store -> store.isServing()).register(metrics);
        stores("offline", store -> store.store().getState() == StoreState.Offline)
                .register(metrics);
        stores("disconnected", store -> silent(store, StoreInfo.Liveness.DISCONNECTED))
                .register(metrics);
        stores("down", store -> silent(store, StoreInfo.Liveness.DOWN)).register(metrics);
        faults("miss-peer", RegionFaults::missPeer).register(metrics);
        faults("down-peer", RegionFaults::downPeer).register(metrics);
        faults("pending-peer", RegionFaults::pendingPeer).register(metrics);
    }

    private static boolean silent(StoreInfo store, StoreInfo.Liveness liveness) {
        return store.store().getState() == StoreState.Up && store.liveness() == liveness;
    }

    private Gauge.Builder<?> stores(String state, Predicate<StoreInfo> is) {
        return gauge(
                        "kv.pd.cluster.stores",
                        "Stores by the state that PD sees them in",
                        term -> term.cluster().stores().stream().filter(is).count())
                .tag("state", state);
    }

    private Gauge.Builder<?> faults(String check, ToDoubleFunction<RegionFaults> count) {
        return gauge(
                        "kv.pd.cluster.regions.faulty",
                        "Regions that /pd/api/v1/regions/check/<check> lists",
                        term -> count.applyAsDouble(faults(term.cluster())))
                .tag("check", check);
    }

    private Gauge.Builder<?> gauge(String name, String description, ToDoubleFunction<LeaderTerm> value) {
        return Gauge.builder(name, this, self -> self.now(value))
                .description(description)
                .strongReference(true);
    }

    private double now(ToDoubleFunction<LeaderTerm> value) {
        Optional<LeaderTerm> term = leadership.current();
        return term.isPresent() ? value.applyAsDouble(term.get()) : 0;
    }

    private synchronized RegionFaults faults(ClusterState cluster) {
        Walked known = last;
        long now = nanoClock.getAsLong();
        if (known != null && known.cluster() == cluster && now - known.atNanos() < FRESH_NANOS) {
            return known.faults();
        }
        RegionFaults faults = RegionFaults.of(cluster);
        last = new Walked(cluster, faults, now);
        return faults;
    }
}
