package io.rutile.cli.scale;

import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.cluster.JavaRuntime;
import io.rutile.cli.cluster.ServiceProcess;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Looks at a process of this machine from outside: {@code /proc}, and {@code jcmd} of the Java that it runs on. */
public final class ProcessProbe {

    private static final Duration JCMD_MAX = Duration.ofSeconds(30);

    /** Of G1 one line, of the serial collector one for each generation: {@code garbage-first heap   total 131072K, used 40342K [...}. */
    private static final Pattern HEAP_USED = Pattern.compile(
            "^ *(?:garbage-first heap|def new generation|tenured generation|DefNew|Tenured) .*?used (\\d+)K",
            Pattern.MULTILINE);

    private final ServiceProcess process;
    private final Path jcmd;

    public ProcessProbe(ServiceProcess process, JavaRuntime java) {
        this.process = process;
        this.jcmd = java.executable().resolveSibling("jcmd");
    }

    public ServiceProcess process() {
        return process;
    }

    /** Processor time since it began. */
    public Duration cpu() {
        return ProcessHandle.of(pid())
                .flatMap(handle -> handle.info().totalCpuDuration())
                .orElseThrow(() -> new ClusterException(process.name() + " tells no processor time"));
    }

    public long threads() {
        return number(status(), "Threads");
    }

    public long residentMib() {
        return number(status(), "VmRSS") >> 10;
    }

    /** File descriptors that are open now: files, sockets, pipes. */
    public long openFiles() {
        try (Stream<Path> open = Files.list(Path.of("/proc", Long.toString(pid()), "fd"))) {
            return open.count();
        } catch (IOException e) {
            throw new ClusterException("can't look at " + process.name() + ": " + e.getMessage(), e);
        }
    }

    /** After a full collection, which this orders. */
    long heapMib() throws InterruptedException {
        String unused = run("GC.run");
        return heapKib(run("GC.heap_info")) >> 10;
    }

    /** The number of a line of {@code /proc/<pid>/status}. */
    static long number(String status, String name) {
        Matcher line =
                Pattern.compile("^" + name + ":\\s+(\\d+)", Pattern.MULTILINE).matcher(status);
        if (!line.find()) {
            throw new ClusterException("/proc tells no " + name);
        }
        return Long.parseLong(line.group(1));
    }

    /** What {@code jcmd GC.heap_info} says is in use, over all parts of the heap. */
    static long heapKib(String info) {
        Matcher part = HEAP_USED.matcher(info);
        long sum = 0;
        boolean any = false;
        while (part.find()) {
            sum += Long.parseLong(part.group(1));
            any = true;
        }
        if (!any) {
            throw new ClusterException("jcmd tells nothing about the heap that is understood: " + info.strip());
        }
        return sum;
    }

    private long pid() {
        return process.pid().orElseThrow(() -> new ClusterException(process.name() + " is not running"));
    }

    private String status() {
        try {
            return Files.readString(Path.of("/proc", Long.toString(pid()), "status"));
        } catch (IOException e) {
            throw new ClusterException("can't look at " + process.name() + ": " + e.getMessage(), e);
        }
    }

    private String run(String command) throws InterruptedException {
        try {
            Process started = new ProcessBuilder(jcmd.toString(), Long.toString(pid()), command)
                    .redirectErrorStream(true)
                    .start();
            String said = new String(started.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (!started.waitFor(JCMD_MAX.toSeconds(), TimeUnit.SECONDS) || started.exitValue() != 0) {
                started.destroyForcibly();
                throw new ClusterException("jcmd " + command + " of " + process.name() + " failed: " + said.strip());
            }
            return said;
        } catch (IOException e) {
            throw new ClusterException("can't run " + jcmd + " (a JDK has it, a JRE has not): " + e.getMessage(), e);
        }
    }
}
