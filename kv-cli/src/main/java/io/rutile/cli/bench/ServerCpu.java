package io.rutile.cli.bench;

import io.rutile.cli.cluster.ServiceProcess;
import java.time.Duration;
import java.util.List;

/** Processor time of the local cluster's processes; zero where the cluster is not on this machine. */
final class ServerCpu {

    private final List<ServiceProcess> processes;

    ServerCpu(List<ServiceProcess> processes) {
        this.processes = List.copyOf(processes);
    }

    Duration used() {
        return processes.stream()
                .flatMap(process -> process.pid().stream())
                .flatMap(pid -> ProcessHandle.of(pid).stream())
                .flatMap(process -> process.info().totalCpuDuration().stream())
                .reduce(Duration.ZERO, Duration::plus);
    }
}
