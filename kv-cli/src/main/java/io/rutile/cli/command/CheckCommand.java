package io.rutile.cli.command;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.rutile.cli.consistency.CheckReport;
import io.rutile.cli.consistency.ClusterCheck;
import io.rutile.cli.consistency.RegionVerdict;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code rutile check}: do all replicas hold the same, and do the Regions cover every key once? Exit code 1 if anything is found. */
@Command(
        name = "check",
        mixinStandardHelpOptions = true,
        description =
                "Compare all replicas of all regions by their hashes, and check that ranges have no hole and no overlap.")
public final class CheckCommand implements Callable<Integer> {

    private static final int HASH_CHARS = 12;

    @Mixin
    private PlacementOutput output = new PlacementOutput();

    @Option(
            names = "--patience",
            paramLabel = "SECONDS",
            defaultValue = "30",
            description =
                    "How long ranges, and the replicas of a region, may take to be in order while something moves (default: 30).")
    private int patienceSeconds = 30;

    @Override
    public Integer call() throws InterruptedException {
        CheckReport report = new ClusterCheck(output.pd()).run(Duration.ofSeconds(patienceSeconds));
        output.print(json(report), () -> text(report));
        return report.isClean() ? 0 : 1;
    }

    private static String text(CheckReport report) {
        TextTable table = new TextTable("REGION>", "LEADER>", "STORES", "INDEX>", "RECORDS>", "HASH", "RESULT");
        for (RegionVerdict region : report.regions()) {
            table.row(
                    region.regionId(),
                    region.leaderStore() == 0 ? "-" : region.leaderStore(),
                    region.stores().stream().map(String::valueOf).collect(Collectors.joining(",")),
                    region.index() == 0 ? "-" : region.index(),
                    region.records(),
                    region.hash()
                            .substring(0, Math.min(HASH_CHARS, region.hash().length())),
                    region.isClean() ? "same" : region.hash().isEmpty() ? "not compared" : "DIFFERENT");
        }
        String findings = report.isClean()
                ? "all replicas are the same; no hole, no overlap"
                : report.findings().size() + " found:\n" + String.join("\n", report.findings());
        return table + "\n\n" + findings;
    }

    private static JsonObject json(CheckReport report) {
        JsonArray regions = new JsonArray();
        for (RegionVerdict verdict : report.regions()) {
            JsonArray stores = new JsonArray();
            verdict.stores().forEach(stores::add);
            JsonObject region = new JsonObject();
            region.addProperty("region_id", verdict.regionId());
            region.addProperty("leader_store_id", verdict.leaderStore());
            region.add("store_ids", stores);
            region.addProperty("index", verdict.index());
            region.addProperty("records", verdict.records());
            region.addProperty("hash", verdict.hash());
            region.addProperty("finding", verdict.finding());
            regions.add(region);
        }
        JsonArray findings = new JsonArray();
        report.findings().forEach(findings::add);
        JsonObject all = new JsonObject();
        all.add("regions", regions);
        all.add("findings", findings);
        return all;
    }
}
