package io.rutile.cli.command;

import com.google.gson.JsonObject;
import io.rutile.cli.placement.StoreView;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code rutile stores}: each store with its state and what it carries. */
@Command(
        name = "stores",
        mixinStandardHelpOptions = true,
        description = "List the stores of a cluster: state, replicas, space.")
public final class StoresCommand implements Callable<Integer> {

    @Mixin
    private PlacementOutput output = new PlacementOutput();

    @Option(
            names = "--state",
            paramLabel = "STATE",
            split = ",",
            description =
                    "Only those that are Up, Disconnected, Down, Offline or Tombstone (default: all but tombstones).")
    private List<String> states = List.of();

    @Override
    public Integer call() {
        String query = states.stream()
                .map(state -> "state=" + URLEncoder.encode(state, StandardCharsets.UTF_8))
                .collect(Collectors.joining("&"));
        JsonObject answer = output.pd().object("/stores" + (query.isEmpty() ? "" : "?" + query));
        output.print(answer, () -> table(StoreView.list(answer)));
        return 0;
    }

    private static TextTable table(List<StoreView> stores) {
        TextTable table = new TextTable(
                "STORE>",
                "ADDRESS",
                "STATE",
                "LEADERS>",
                "REGIONS>",
                "SIZE MIB>",
                "USED>",
                "AVAILABLE>",
                "UPTIME>",
                "LABELS");
        for (StoreView store : stores) {
            table.row(
                    store.id(),
                    store.address(),
                    store.state(),
                    store.leaders(),
                    store.regions(),
                    store.sizeMib(),
                    store.used(),
                    store.available(),
                    store.uptime(),
                    String.join(" ", store.labels()));
        }
        return table;
    }
}
