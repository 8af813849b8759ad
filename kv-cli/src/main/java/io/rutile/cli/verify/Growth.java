package io.rutile.cli.verify;

import com.google.gson.JsonObject;
import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.cluster.ClusterLayout;
import io.rutile.cli.cluster.LocalCluster;
import io.rutile.cli.cluster.Role;
import io.rutile.cli.cluster.ServiceProcess;
import io.rutile.cli.placement.PdHttp;
import io.rutile.cli.placement.RegionView;
import io.rutile.cli.placement.StoreView;
import io.rutile.cli.workload.BulkLoad;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * A cluster that grows and then loses a node: much is loaded into three nodes, two more come, one is killed for good and comes back when
 * its replicas have been made elsewhere. Nobody orders anything; the Placement Driver was told beforehand how long to wait for a node.
 */
public final class Growth implements Course {

    private static final Duration PD_TIMEOUT = Duration.ofSeconds(5);
    private static final Duration PHASE_MAX = Duration.ofMinutes(30);
    private static final Duration READY_MAX = Duration.ofMinutes(3);
    private static final Duration LOOK_INTERVAL = Duration.ofSeconds(1);
    private static final Duration PROGRESS_INTERVAL = Duration.ofSeconds(15);

    /** Looks in a row that must agree: balance is no moment. */
    private static final int LOOKS = 3;

    private static final int PAIRS_READ = 20_000;

    /** What is to be shown about evenness. */
    private static final double SPREAD_MAX = 0.10;

    /**
     * One part of it.
     *
     * @param what in words
     * @param took until it was seen to be so
     * @param found figures in words
     */
    public record Phase(String what, Duration took, String found) {}

    /**
     * What PD is told so that this takes no week.
     *
     * @param downAfter how long a node may be away before its replicas are made elsewhere
     * @param replicasPerMinute that a store may receive
     */
    public record Settings(Duration downAfter, int replicasPerMinute) {}

    private final LocalCluster cluster;
    private final List<ServiceProcess> newcomers;
    private final BulkLoad load;
    private final Settings told;
    private final Consumer<String> progress;
    private final PdHttp pd;
    private final List<Phase> phases = new ArrayList<>();
    private long wrong;

    /**
     * Prepares it.
     *
     * @param cluster of which all but the newcomers run
     * @param newcomers nodes without data
     * @param told to PD before anything begins
     */
    public Growth(
            LocalCluster cluster,
            List<ServiceProcess> newcomers,
            BulkLoad load,
            Settings told,
            Consumer<String> progress) {
        this.cluster = cluster;
        this.newcomers = List.copyOf(newcomers);
        this.load = load;
        this.told = told;
        this.progress = progress;
        this.pd = new PdHttp(cluster.layout().pdEndpoints(), PD_TIMEOUT);
    }

    @Override
    public void play(BooleanSupplier broken) throws InterruptedException {
        settings();
        phase("load " + load.pairs() + " pairs into " + nodesUp() + " nodes", broken, () -> {
            load.write(progress);
            return load.written() + " acknowledged, " + shape();
        });
        phase("splits are over", broken, () -> {
            int before = -1;
            for (int same = 0; same < LOOKS; ) {
                pause(broken);
                int now = regions().size();
                same = now == before ? same + 1 : 0;
                before = now;
            }
            return shape();
        });
        phase(
                "two more nodes, within 10 % of even",
                broken, () -> {
                    // One after the other, as a StatefulSet does.
                    for (ServiceProcess node : newcomers) {
                        cluster.start(node.name());
                        cluster.awaitReady(node.name(), READY_MAX);
                    }
                    until(broken, () -> storesUp() == nodesUp() && spread().isEven());
                    return shape();
                });
        ServiceProcess victim = cluster.processes(Role.NODE).get(0);
        long gone = storeOf(victim);
        phase("a node is killed, its replicas are made elsewhere", broken, () -> {
            victim.kill();
            until(
                    broken,
                    () -> regions().stream()
                            .allMatch(region -> !region.stores().contains(gone)
                                    && region.stores().size() == 3
                                    && region.troubles().isEmpty()));
            return "PD waits " + told.downAfter().toSeconds() + " s for a node; " + shape();
        });
        phase("the node comes back", broken, () -> {
            cluster.start(victim.name());
            cluster.awaitReady(victim.name(), READY_MAX);
            until(broken, () -> storesUp() == nodesUp() && spread().isEven());
            return shape();
        });
        phase("pairs of the load are read again", broken, () -> {
            wrong = load.wrongOf(PAIRS_READ, 1);
            return PAIRS_READ + " read, " + wrong + " lost or wrong";
        });
    }

    /** One part, which says what it has found. */
    private interface Part {
        String play() throws InterruptedException;
    }

    private void phase(String what, BooleanSupplier broken, Part part) throws InterruptedException {
        if (broken.getAsBoolean()) {
            return;
        }
        progress.accept("begins: " + what);
        long beganNanos = System.nanoTime();
        String found = part.play();
        Phase phase = new Phase(what, Duration.ofNanos(System.nanoTime() - beganNanos), found);
        phases.add(phase);
        progress.accept("done after " + phase.took().toSeconds() + " s: " + what + ": " + found);
    }

    /** Not orders. */
    private void settings() {
        JsonObject waits = new JsonObject();
        waits.addProperty("max-store-down-time", told.downAfter().toSeconds() + "s");
        pd.post("/config", waits);
        JsonObject limit = new JsonObject();
        limit.addProperty("rate", told.replicasPerMinute());
        pd.post("/stores/limit", limit);
    }

    private void until(BooleanSupplier broken, BooleanSupplier so) throws InterruptedException {
        long beganNanos = System.nanoTime();
        long saidNanos = beganNanos;
        for (int looks = 0; looks < LOOKS; ) {
            pause(broken);
            boolean now;
            try {
                now = so.getAsBoolean();
            } catch (ClusterException e) {
                // PD is between two leaders.
                now = false;
            }
            looks = now ? looks + 1 : 0;
            if (System.nanoTime() - saidNanos > PROGRESS_INTERVAL.toNanos()) {
                saidNanos = System.nanoTime();
                progress.accept(shape());
            }
            if (System.nanoTime() - beganNanos > PHASE_MAX.toNanos()) {
                throw new ClusterException("not so after " + PHASE_MAX.toMinutes() + " min: " + shape());
            }
        }
    }

    private static void pause(BooleanSupplier broken) throws InterruptedException {
        if (broken.getAsBoolean()) {
            throw new ClusterException("a client has met what no store may answer");
        }
        TimeUnit.NANOSECONDS.sleep(LOOK_INTERVAL.toNanos());
    }

    private List<RegionView> regions() {
        return RegionView.list(pd.object("/regions"));
    }

    private int nodesUp() {
        return (int) cluster.processes(Role.NODE).stream()
                .filter(ServiceProcess::isAlive)
                .count();
    }

    private int storesUp() {
        return StoreView.list(pd.object("/stores?state=Up")).size();
    }

    private long storeOf(ServiceProcess node) {
        String address = ClusterLayout.HOST + ":" + node.spec().port("grpc");
        return StoreView.list(pd.object("/stores")).stream()
                .filter(store -> store.address().equals(address))
                .map(StoreView::id)
                .findFirst()
                .orElseThrow(() -> new ClusterException("the Placement Driver knows no store at " + address));
    }

    /**
     * How evenly Regions lie, by size.
     *
     * @param leaders the greatest distance of a store's share from the mean, as a part of the mean
     * @param replicas the same
     */
    private record Spread(double leaders, double replicas) {

        boolean isEven() {
            return leaders <= SPREAD_MAX && replicas <= SPREAD_MAX;
        }
    }

    private Spread spread() {
        Map<Long, Long> leaders = new HashMap<>();
        Map<Long, Long> replicas = new HashMap<>();
        Set<Long> up = new HashSet<>();
        StoreView.list(pd.object("/stores?state=Up")).forEach(store -> up.add(store.id()));
        up.forEach(store -> {
            leaders.put(store, 0L);
            replicas.put(store, 0L);
        });
        for (RegionView region : regions()) {
            leaders.merge(region.leaderStore(), region.sizeBytes(), Long::sum);
            region.stores().forEach(store -> replicas.merge(store, region.sizeBytes(), Long::sum));
        }
        return new Spread(distance(leaders.values()), distance(replicas.values()));
    }

    private static double distance(Collection<Long> shares) {
        double mean = shares.stream().mapToLong(Long::longValue).average().orElse(0);
        return mean == 0
                ? 1
                : shares.stream()
                        .mapToDouble(share -> Math.abs(share - mean) / mean)
                        .max()
                        .orElse(1);
    }

    private String shape() {
        try {
            Spread spread = spread();
            return String.format(
                    Locale.ROOT,
                    "%d regions on %d stores; furthest from even: leaders %.0f %%, replicas %.0f %%",
                    regions().size(),
                    storesUp(),
                    100 * spread.leaders(),
                    100 * spread.replicas());
        } catch (ClusterException e) {
            return "the Placement Driver is between two leaders";
        }
    }

    public List<Phase> phases() {
        return List.copyOf(phases);
    }

    /** Pairs of the load that were not as they were written, among those that were read again. */
    public long wrong() {
        return wrong;
    }

    /** A Markdown table. */
    public String table() {
        return phases.stream()
                .map(phase -> "| " + phase.what() + " | " + phase.took().toSeconds() + " s | " + phase.found() + " |\n")
                .collect(Collectors.joining("", "| | took | |\n|---|---:|---|\n", ""));
    }
}
