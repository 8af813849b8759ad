package io.rutile.cli.bench.subject;

import io.rutile.cli.cluster.ServiceProcess;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Processor time of processes of this machine by their kind, as the system's process table has it (on Linux {@code /proc/PID/stat}, in
 * hundredths of a second); empty where the servers are not on this machine. A process that has ended counts no more.
 */
public final class ServerCpu {

    private final List<ServiceProcess> services;
    private final Map<Long, String> others;

    private ServerCpu(List<ServiceProcess> services, Map<Long, String> others) {
        this.services = List.copyOf(services);
        this.others = Map.copyOf(others);
    }

    /** Of a local cluster: {@code pd}, {@code node}, {@code gateway}. */
    public static ServerCpu ofCluster(List<ServiceProcess> processes) {
        return new ServerCpu(processes, Map.of());
    }

    /**
     * Of any processes of this machine.
     *
     * @param kinds by process id
     */
    public static ServerCpu ofProcesses(Map<Long, String> kinds) {
        return new ServerCpu(List.of(), kinds);
    }

    public static ServerCpu unknown() {
        return new ServerCpu(List.of(), Map.of());
    }

    Map<String, Duration> used() {
        Map<String, Duration> used = new LinkedHashMap<>();
        services.forEach(service -> service.pid()
                .ifPresent(pid ->
                        used.merge(service.spec().role().name().toLowerCase(Locale.ROOT), of(pid), Duration::plus)));
        others.forEach((pid, kind) -> used.merge(kind, of(pid), Duration::plus));
        return used;
    }

    private static Duration of(long pid) {
        return ProcessHandle.of(pid)
                .flatMap(process -> process.info().totalCpuDuration())
                .orElse(Duration.ZERO);
    }
}
