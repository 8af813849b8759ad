package io.rutile.cli.command;

import com.google.gson.JsonObject;
import io.rutile.cli.placement.RegionView;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code rutile top}: the Regions with the most load. */
@Command(
        name = "top",
        mixinStandardHelpOptions = true,
        description = "List the regions through which most goes, or the greatest; by their leaders' last reports.")
@SuppressWarnings("NullAway.Init") // the spec is injected before the command is called
public final class TopCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Mixin
    private PlacementOutput output = new PlacementOutput();

    @Option(
            names = "--by",
            paramLabel = "WHAT",
            defaultValue = "WRITE",
            description = "WRITE, READ, SIZE or KEYS (default: WRITE).")
    private By by = By.WRITE;

    @Option(names = "--limit", paramLabel = "N", defaultValue = "10", description = "At most so many (default: 10).")
    private int limit = 10;

    /** What is compared. */
    enum By {
        WRITE("writeflow"),
        READ("readflow"),
        SIZE("size"),
        KEYS("keys");

        private final String path;

        By(String path) {
            this.path = path;
        }
    }

    @Override
    public Integer call() {
        if (limit < 1) {
            throw new ParameterException(spec.commandLine(), "--limit must be positive");
        }
        JsonObject answer = output.pd().object("/regions/" + by.path + "?limit=" + limit);
        output.print(answer, () -> table(RegionView.list(answer)));
        return 0;
    }

    private static TextTable table(List<RegionView> regions) {
        TextTable table = new TextTable(
                "REGION>", "LEADER>", "WRITTEN>", "READ>", "KEYS WRITTEN>", "KEYS READ>", "SIZE MIB>", "KEYS>");
        for (RegionView region : regions) {
            table.row(
                    region.id(),
                    region.leaderStore() == 0 ? "-" : region.leaderStore(),
                    bytes(region.writtenBytes()),
                    bytes(region.readBytes()),
                    region.writtenKeys(),
                    region.readKeys(),
                    region.sizeMib(),
                    region.keys());
        }
        return table;
    }

    private static String bytes(long bytes) {
        if (bytes < 1024) {
            return bytes + "B";
        }
        String[] units = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
        double value = bytes / 1024.0;
        int unit = 0;
        while (value >= 1024 && unit < units.length - 1) {
            value /= 1024;
            unit++;
        }
        return String.format(Locale.ROOT, "%.1f%s", value, units[unit]);
    }
}
