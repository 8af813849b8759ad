package io.rutile.cli.command;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.placement.PdHttp;
import io.rutile.cli.placement.RegionView;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code rutile regions}: Regions in key order, those of a store, those with something wrong, or one with the reason why. */
@Command(
        name = "regions",
        mixinStandardHelpOptions = true,
        description = "List regions: range, leader, replicas, size; or say what is done for one, and why.")
@SuppressWarnings("NullAway.Init") // the spec is injected before the command is called
public final class RegionsCommand implements Callable<Integer> {

    private static final int KEY_CHARS_MAX = 24;
    private static final Pattern CHECK = Pattern.compile("[a-z-]{1,32}");

    @Spec
    private CommandSpec spec;

    @Mixin
    private PlacementOutput output = new PlacementOutput();

    @Parameters(
            index = "0",
            paramLabel = "REGION",
            arity = "0..1",
            description = "Only this one, and what is done for it.")
    private @Nullable Long region;

    @Option(names = "--store", paramLabel = "STORE", description = "Only those with a replica on this store.")
    private @Nullable Long store;

    @Option(
            names = "--check",
            paramLabel = "WHAT",
            description =
                    "Only those with something wrong: miss-peer, extra-peer, down-peer, pending-peer, learner-peer, "
                            + "offline-peer, empty-region, oversized-region, undersized-region.")
    private @Nullable String check;

    @Option(
            names = "--limit",
            paramLabel = "N",
            defaultValue = "100",
            description = "At most so many, 1 to 10240 (default: 100).")
    private int limit = 100;

    @Override
    public Integer call() {
        long chosen =
                Stream.of(region, store, check).filter(choice -> choice != null).count();
        if (chosen > 1) {
            throw new ParameterException(spec.commandLine(), "give one of REGION, --store and --check");
        }
        if (limit < 1) {
            throw new ParameterException(spec.commandLine(), "--limit must be positive");
        }
        return region == null ? list() : one(region);
    }

    private int list() {
        JsonObject answer = output.pd().object(path() + "?limit=" + limit);
        output.print(answer, () -> {
            List<RegionView> shown = RegionView.list(answer);
            long all = answer.get("count").getAsLong();
            return table(shown) + (all > shown.size() ? "\n" + shown.size() + " of " + all + " regions" : "");
        });
        return 0;
    }

    private String path() {
        if (store != null) {
            return "/regions/store/" + store;
        }
        if (check != null) {
            if (!CHECK.matcher(check).matches()) {
                throw new ParameterException(spec.commandLine(), "--check knows no '" + check + "'");
            }
            return "/regions/check/" + check;
        }
        return "/regions";
    }

    private int one(long id) {
        PdHttp pd = output.pd();
        JsonElement found = pd.get("/region/id/" + id);
        if (!found.isJsonObject()) {
            throw new ClusterException("nobody has reported a region " + id);
        }
        JsonObject why = pd.object("/region/id/" + id + "/why");
        JsonObject both = new JsonObject();
        both.add("region", found);
        both.add("why", why);
        output.print(
                both,
                () -> table(List.of(RegionView.of(found.getAsJsonObject()))) + "\n\n"
                        + why.get("action").getAsString() + ": "
                        + why.get("reason").getAsString());
        return 0;
    }

    private static TextTable table(List<RegionView> regions) {
        TextTable table =
                new TextTable("REGION>", "START", "END", "LEADER>", "STORES", "SIZE MIB>", "KEYS>", "TROUBLE");
        for (RegionView region : regions) {
            table.row(
                    region.id(),
                    shortened(region.startKey()),
                    shortened(region.endKey()),
                    region.leaderStore() == 0 ? "-" : region.leaderStore(),
                    region.stores().stream().map(String::valueOf).collect(Collectors.joining(",")),
                    region.sizeMib(),
                    region.keys(),
                    String.join(", ", region.troubles()));
        }
        return table;
    }

    private static String shortened(String hex) {
        return hex.length() <= KEY_CHARS_MAX ? hex : hex.substring(0, KEY_CHARS_MAX - 1) + "…";
    }
}
