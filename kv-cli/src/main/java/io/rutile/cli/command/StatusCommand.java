package io.rutile.cli.command;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.rutile.cli.cluster.ClusterLayout;
import io.rutile.cli.cluster.JavaRuntime;
import io.rutile.cli.cluster.LocalCluster;
import io.rutile.cli.cluster.ProcessStatus;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code rutile status}: each process with its state, pid, ports and management address. */
@Command(
        name = "status",
        mixinStandardHelpOptions = true,
        description = "Say which processes of the cluster run, and where.")
public final class StatusCommand implements Callable<Integer> {

    private static final Gson GSON = new GsonBuilder()
            .setPrettyPrinting()
            .disableHtmlEscaping()
            .serializeNulls()
            .create();

    @Mixin
    private DataDir data = new DataDir();

    @Option(names = "--json", description = "As one JSON object.")
    private boolean json;

    @Override
    public Integer call() {
        LocalCluster cluster = data.cluster(JavaRuntime.current());
        List<ProcessStatus> processes = cluster.status();
        Terminal.result(json ? GSON.toJson(json(cluster.layout(), processes)) : table(processes));
        return 0;
    }

    static JsonObject json(ClusterLayout layout, List<ProcessStatus> processes) {
        JsonObject cluster = new JsonObject();
        cluster.addProperty("data", layout.dataDir().toString());
        cluster.addProperty("apiVersion", layout.apiVersion().name());
        JsonArray pd = new JsonArray();
        layout.pdEndpoints().forEach(pd::add);
        cluster.add("pd", pd);
        cluster.addProperty("gateway", layout.gatewayUrl());
        JsonArray list = new JsonArray();
        for (ProcessStatus process : processes) {
            JsonObject entry = new JsonObject();
            entry.addProperty("name", process.spec().name());
            entry.addProperty("role", lower(process.spec().role()));
            entry.addProperty("state", lower(process.state()));
            entry.addProperty("pid", process.pid());
            JsonObject ports = new JsonObject();
            process.spec().ports().forEach(ports::addProperty);
            entry.add("ports", ports);
            entry.addProperty("managementUrl", process.spec().managementUrl());
            entry.addProperty(
                    "log",
                    layout.logDir().resolve(process.spec().name() + ".log").toString());
            list.add(entry);
        }
        cluster.add("processes", list);
        return cluster;
    }

    static String table(List<ProcessStatus> processes) {
        StringBuilder table = new StringBuilder(row("NAME", "STATE", "PID", "MANAGEMENT", "PORTS"));
        for (ProcessStatus process : processes) {
            String ports = process.spec().ports().entrySet().stream()
                    .map(port -> port.getKey() + " " + port.getValue())
                    .collect(Collectors.joining(", "));
            Long pid = process.pid();
            table.append('\n')
                    .append(row(
                            process.spec().name(),
                            lower(process.state()),
                            pid == null ? "-" : pid.toString(),
                            process.spec().managementUrl(),
                            ports));
        }
        return table.toString();
    }

    private static String row(String name, String state, String pid, String management, String ports) {
        return String.format(Locale.ROOT, "%-10s %-9s %-9s %-24s %s", name, state, pid, management, ports);
    }

    private static String lower(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }
}
