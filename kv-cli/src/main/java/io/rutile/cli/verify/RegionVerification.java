package io.rutile.cli.verify;

import com.google.gson.JsonArray;
import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.cluster.LocalCluster;
import io.rutile.cli.consistency.CheckReport;
import io.rutile.cli.consistency.ClusterCheck;
import io.rutile.cli.placement.PdHttp;
import io.rutile.cli.placement.RegionView;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A {@link Verification} whose Regions are split, merged, moved and led by others all the time; and then, when everything runs again
 * and PD has nothing left to do, a check of the whole cluster.
 */
public final class RegionVerification {

    private static final Duration PD_TIMEOUT = Duration.ofSeconds(5);
    private static final Duration REST_MAX = Duration.ofMinutes(5);
    private static final Duration LOOK_INTERVAL = Duration.ofSeconds(1);

    /** Between two operators there is a moment with none. */
    private static final int LOOKS_AT_REST = 3;

    private static final Duration CHECK_PATIENCE = Duration.ofSeconds(60);

    private final Verification verification;
    private final PdHttp pd;
    private final int replicas;
    private final Consumer<String> progress;

    /**
     * Prepares it.
     *
     * @param cluster of real processes, ready
     * @param replicas that each Region is to have in the end
     * @param directory takes histories, the log of faults and the explanations of anomalies
     * @param progress takes a line now and then
     */
    public RegionVerification(
            LocalCluster cluster, Plan plan, int replicas, Path directory, Consumer<String> progress) {
        this(cluster, plan, replicas, directory, progress, null);
    }

    /** The same, but something else happens than the plan's faults. */
    public RegionVerification(
            LocalCluster cluster,
            Plan plan,
            int replicas,
            Path directory,
            Consumer<String> progress,
            @Nullable Course course) {
        this.verification = new Verification(cluster, plan, directory, progress, course);
        this.pd = new PdHttp(cluster.layout().pdEndpoints(), PD_TIMEOUT);
        this.replicas = replicas;
        this.progress = progress;
    }

    /** Runs all of it. */
    public RegionResult run() throws IOException, InterruptedException {
        List<Result> histories = verification.run();
        verification.rawResults().stream()
                .flatMap(raw -> raw.longStalls().stream())
                .forEach(progress);
        List<String> troubles = new ArrayList<>();
        CheckReport check = new CheckReport(List.of(), List.of());
        try {
            progress.accept("waits until the Placement Driver is at rest");
            String restless = awaitRest();
            if (!restless.isEmpty()) {
                troubles.add(
                        "the Placement Driver was not at rest after " + REST_MAX.toMinutes() + " min: " + restless);
            }
            progress.accept("compares all replicas");
            check = new ClusterCheck(pd).run(CHECK_PATIENCE);
        } catch (ClusterException e) {
            troubles.add(String.valueOf(e.getMessage()));
        }
        return new RegionResult(histories, verification.rawResults(), verification.finishedOrders(), check, troubles);
    }

    /** Ends the harm without healing, for a caller that ends the cluster; from any thread. */
    public void abandon() {
        verification.abandon();
    }

    /** @return what is still going on when the time is up; empty if nothing is */
    private String awaitRest() throws InterruptedException {
        long startNanos = System.nanoTime();
        int looks = 0;
        while (true) {
            String restless = restless();
            looks = restless.isEmpty() ? looks + 1 : 0;
            if (looks == LOOKS_AT_REST) {
                return "";
            }
            if (System.nanoTime() - startNanos > REST_MAX.toNanos()) {
                return restless.isEmpty() ? "it was for a moment" : restless;
            }
            TimeUnit.NANOSECONDS.sleep(LOOK_INTERVAL.toNanos());
        }
    }

    private String restless() {
        JsonArray operators = pd.get("/operators").getAsJsonArray();
        if (!operators.isEmpty()) {
            return operators.size() + " operators, one of them " + operators.get(0);
        }
        return RegionView.list(pd.object("/regions")).stream()
                .filter(region ->
                        region.stores().size() != replicas || !region.troubles().isEmpty())
                .findFirst()
                .map(region -> "region " + region.id() + " on stores " + region.stores() + " " + region.troubles())
                .orElse("");
    }
}
