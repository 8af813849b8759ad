package io.rutile.cli.bench.stress;

import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.cluster.JavaRuntime;
import io.rutile.cli.cluster.ServiceProcess;
import io.rutile.cli.scale.ProcessProbe;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Looks at processes of this machine over and over, from outside, until it is closed. How many looks there are follows from the time of the
 * run and the interval: both are bounded.
 */
public final class ProcessWatch implements AutoCloseable {

    private final List<ServiceProcess> processes;
    private final JavaRuntime java;
    private final Duration interval;
    private final long beganNanos = System.nanoTime();
    private final List<ProcessSample> samples = new ArrayList<>();
    private final Thread thread = new Thread(this::watch, "process-watch");
    private volatile boolean closed;

    private ProcessWatch(List<ServiceProcess> processes, JavaRuntime java, Duration interval) {
        this.processes = List.copyOf(processes);
        this.java = java;
        this.interval = interval;
    }

    /** Begins to look. */
    public static ProcessWatch begin(List<ServiceProcess> processes, JavaRuntime java, Duration interval) {
        ProcessWatch watch = new ProcessWatch(processes, java, interval);
        watch.thread.setDaemon(true);
        watch.thread.start();
        return watch;
    }

    private void watch() {
        long nextNanos = beganNanos;
        while (!closed) {
            processes.forEach(this::look);
            nextNanos += interval.toNanos();
            for (long left; !closed && (left = nextNanos - System.nanoTime()) > 0; ) {
                LockSupport.parkNanos(left);
            }
        }
    }

    private void look(ServiceProcess process) {
        double at = secondsAt(System.nanoTime());
        ProcessSample sample;
        try {
            long pid = process.pid().orElse(0L);
            ProcessProbe probe = new ProcessProbe(process, java);
            sample = pid == 0
                    ? ProcessSample.gone(at, process.name())
                    : new ProcessSample(
                            at, process.name(), pid, probe.residentMib(), probe.threads(), probe.openFiles());
        } catch (ClusterException e) {
            // It ended while we looked.
            sample = ProcessSample.gone(at, process.name());
        }
        synchronized (samples) {
            samples.add(sample);
        }
    }

    /** What a moment of the monotonic clock is on the watch's own. */
    public double secondsAt(long nanos) {
        return (double) (nanos - beganNanos) / TimeUnit.SECONDS.toNanos(1);
    }

    /** All so far, in the order of time. */
    public List<ProcessSample> samples() {
        synchronized (samples) {
            return List.copyOf(samples);
        }
    }

    /** Names of processes that were not there at some look. */
    public static List<String> lost(List<ProcessSample> samples) {
        return samples.stream()
                .filter(ProcessSample::isGone)
                .map(ProcessSample::process)
                .distinct()
                .sorted()
                .toList();
    }

    /** How often a process was another one than at the look before. */
    public static int restarts(List<ProcessSample> samples) {
        Map<String, Long> pids = new HashMap<>();
        int restarts = 0;
        for (ProcessSample sample : samples) {
            if (!sample.isGone()) {
                Long before = pids.put(sample.process(), sample.pid());
                if (before != null && before != sample.pid()) {
                    restarts++;
                }
            }
        }
        return restarts;
    }

    @Override
    public void close() throws InterruptedException {
        closed = true;
        LockSupport.unpark(thread);
        thread.join();
    }
}
