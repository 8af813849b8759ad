package io.rutile.cli.scale;

import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.cluster.ClusterLayout;
import io.rutile.cli.cluster.JavaRuntime;
import io.rutile.cli.cluster.LocalCluster;
import io.rutile.cli.cluster.Role;
import io.rutile.cli.cluster.ServiceProcess;
import io.rutile.cli.fault.RegionSplitter;
import io.rutile.cli.placement.PdHttp;
import io.rutile.cli.placement.RegionView;
import io.rutile.cli.placement.StoreView;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * Cuts an empty cluster into more and more Regions, and looks each time at what its processes take when the Placement Driver has come to
 * rest and nobody asks anything.
 */
public final class IdleScale {

    private static final Duration PD_TIMEOUT = Duration.ofSeconds(10);
    private static final Duration LOOK_INTERVAL = Duration.ofSeconds(1);
    private static final Duration REST_MAX = Duration.ofMinutes(10);

    /** Looks in a row that must find PD at rest: between two operators there is a moment without one. */
    private static final int LOOKS = 10;

    /**
     * After a collection that was ordered, and after the last move. Compilers have caught up by then: a minute after the last Region was made they
     * took a third of what a node took.
     */
    private static final Duration SETTLE = Duration.ofMinutes(3);

    private static final int PROGRESS_EVERY = 100;

    /** Orders without an answer, each after five seconds of trying. */
    private static final int REFUSED_MAX = 20;

    /**
     * One process with so many Regions.
     *
     * @param leaders Regions that it leads; 0 for one that is no node
     */
    private record Row(int regions, String process, long leaders, ProcessCost cost) {}

    private final LocalCluster cluster;
    private final JavaRuntime java;
    private final RegionSplitter splitter;
    private final Duration watch;
    private final Consumer<String> progress;
    private final PdHttp pd;
    private final List<Row> rows = new ArrayList<>();
    private int cuts;

    /**
     * Prepares it.
     *
     * @param java that the services run on
     * @param watch how long processor time is counted
     */
    public IdleScale(
            LocalCluster cluster,
            JavaRuntime java,
            RegionSplitter splitter,
            Duration watch,
            Consumer<String> progress) {
        this.cluster = cluster;
        this.java = java;
        this.splitter = splitter;
        this.watch = watch;
        this.progress = progress;
        this.pd = new PdHttp(cluster.layout().pdEndpoints(), PD_TIMEOUT);
    }

    /**
     * Goes on until there are so many Regions, waits for rest, and measures.
     *
     * @param regions more than there are; it may become a few more
     * @throws ClusterException in words, if the cluster can't be brought there
     */
    public void measure(int regions) throws InterruptedException {
        grow(regions);
        int count = awaitRest(regions);
        List<ProcessProbe> probes = new ArrayList<>();
        for (ServiceProcess process : cluster.processes()) {
            if (process.spec().role() != Role.GATEWAY) {
                probes.add(new ProcessProbe(process, java));
            }
        }
        // Ordered before the time that is looked at, for a collection takes time itself.
        List<Long> heaps = new ArrayList<>();
        for (ProcessProbe probe : probes) {
            heaps.add(probe.heapMib());
        }
        TimeUnit.NANOSECONDS.sleep(SETTLE.toNanos());
        List<Duration> before = probes.stream().map(ProcessProbe::cpu).toList();
        long beganNanos = System.nanoTime();
        TimeUnit.NANOSECONDS.sleep(watch.toNanos());
        for (int i = 0; i < probes.size(); i++) {
            ProcessProbe probe = probes.get(i);
            double used = (double) probe.cpu().minus(before.get(i)).toNanos() / (System.nanoTime() - beganNanos);
            ProcessCost cost = new ProcessCost(probe.threads(), heaps.get(i), probe.residentMib(), 100 * used);
            Row row = new Row(count, probe.process().name(), leadersOf(probe.process()), cost);
            rows.add(row);
            progress.accept(line(row));
        }
    }

    /** A Markdown table of all that was measured. */
    public String table() {
        return rows.stream()
                .map(row -> line(row) + "\n")
                .collect(Collectors.joining(
                        "",
                        "| regions | process | leads | threads | heap in use, MiB | resident, MiB | CPU, % of a core |\n"
                                + "|---:|---|---:|---:|---:|---:|---:|\n",
                        ""));
    }

    private static String line(Row row) {
        return String.format(
                Locale.ROOT,
                "| %,d | %s | %,d | %d | %d | %d | %.1f |",
                row.regions(),
                row.process(),
                row.leaders(),
                row.cost().threads(),
                row.cost().heapMib(),
                row.cost().residentMib(),
                row.cost().cpuPercent());
    }

    /** PD's count is of heartbeats, which come late on a busy machine, and a split without an answer may be done: a few more are as good. */
    private void grow(int regions) throws InterruptedException {
        int refused = 0;
        for (int missing = regions - regions().size();
                missing > 0;
                missing = regions - regions().size()) {
            for (int i = 0; i < missing; i++) {
                if (!splitter.split(String.format(Locale.ROOT, "scale/%06d", cuts++)) && ++refused > REFUSED_MAX) {
                    throw new ClusterException("regions were not to be split " + refused + " times; there are "
                            + regions().size() + " of " + regions);
                }
                if (cuts % PROGRESS_EVERY == 0) {
                    progress.accept(cuts + " splits ordered");
                }
            }
        }
    }

    /** @return how many Regions there are then */
    private int awaitRest(int regions) throws InterruptedException {
        long beganNanos = System.nanoTime();
        int count = 0;
        for (int looks = 0; looks < LOOKS; ) {
            TimeUnit.NANOSECONDS.sleep(LOOK_INTERVAL.toNanos());
            List<RegionView> now = regions();
            boolean atRest = now.size() >= regions
                    && now.size() == count
                    && now.stream().allMatch(region -> region.troubles().isEmpty())
                    && pd.get("/operators").getAsJsonArray().isEmpty();
            count = now.size();
            looks = atRest ? looks + 1 : 0;
            if (System.nanoTime() - beganNanos > REST_MAX.toNanos()) {
                throw new ClusterException(
                        "the Placement Driver is not at rest after " + REST_MAX.toMinutes() + " min: "
                                + now.size() + " regions, "
                                + now.stream()
                                        .filter(region -> !region.troubles().isEmpty())
                                        .count() + " in trouble");
            }
        }
        progress.accept(count + " regions, at rest after "
                + TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - beganNanos) + " s");
        return count;
    }

    private List<RegionView> regions() {
        return RegionView.list(pd.object("/regions"));
    }

    private long leadersOf(ServiceProcess process) {
        if (process.spec().role() != Role.NODE) {
            return 0;
        }
        String address = ClusterLayout.HOST + ":" + process.spec().port("grpc");
        return StoreView.list(pd.object("/stores")).stream()
                .filter(store -> store.address().equals(address))
                .mapToLong(StoreView::leaders)
                .sum();
    }
}
