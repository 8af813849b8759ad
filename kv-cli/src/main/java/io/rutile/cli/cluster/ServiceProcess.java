package io.rutile.cli.cluster;

import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One process of a local cluster, known by its pid file {@code run/<name>.pid}. Whoever reads that file may signal or replace the
 * process; a file left over from another life is recognised, because the process with that number doesn't carry our mark.
 */
public final class ServiceProcess {

    /** First argument of every process of ours: who it is and whose, readable in the process table. */
    private static final String MARK = "-Drutile.process=";

    /** A log longer than this is set aside when its process is started anew; one older log is kept. */
    private static final long LOG_BYTES_MAX = 64L << 20;

    /** How much a process's start may seem later than the pid file that was written right after it. */
    private static final Duration CLOCK_GRAIN = Duration.ofSeconds(2);

    private static final Duration POLL = Duration.ofMillis(20);
    private static final Duration KILL_WAIT_MAX = Duration.ofSeconds(10);

    private final ClusterLayout layout;
    private final ServiceSpec spec;
    private @Nullable Process child;
    private long logOffset;

    ServiceProcess(ClusterLayout layout, ServiceSpec spec) {
        this.layout = layout;
        this.spec = spec;
    }

    public String name() {
        return spec.name();
    }

    public ServiceSpec spec() {
        return spec;
    }

    public Path pidFile() {
        return layout.runDir().resolve(spec.name() + ".pid");
    }

    public Path log() {
        return layout.logDir().resolve(spec.name() + ".log");
    }

    public boolean isAlive() {
        return handle().isPresent();
    }

    public Optional<Long> pid() {
        return handle().map(ProcessHandle::pid);
    }

    /** Starts the process and returns at once. Its ports must be free and no other incarnation alive. */
    void start(JavaRuntime java, RutileHome home, List<String> extraFlags) {
        List<String> command = new ArrayList<>();
        // Ctrl-C in a terminal goes to every process of the foreground group. Ours are stopped in order by whoever
        // started them, so
        // they ignore it, and the hang-up of a closed terminal too; a JVM leaves an ignored signal ignored.
        command.addAll(List.of("/bin/sh", "-c", "trap '' INT HUP; exec \"$@\"", spec.name()));
        command.add(java.executable().toString());
        command.add(mark());
        command.addAll(JvmFlags.of(spec.role(), java));
        command.add("-XX:ErrorFile=" + layout.logDir().resolve(spec.name() + "-crash-%p.log"));
        command.addAll(extraFlags);
        command.addAll(home.launch(spec.role(), java));
        command.addAll(spec.settings());
        try {
            setAsideLongLog();
            logOffset = Files.exists(log()) ? Files.size(log()) : 0;
            ProcessBuilder builder = new ProcessBuilder(command)
                    .directory(layout.dataDir().toFile())
                    .redirectInput(new File("/dev/null"))
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log().toFile()));
            // glibc's default of eight arenas a core keeps what RocksDB's threads have freed.
            builder.environment().putIfAbsent("MALLOC_ARENA_MAX", "2");
            Process started = builder.start();
            child = started;
            writePid(started.pid());
        } catch (IOException e) {
            throw new ClusterException("can't start " + spec.name() + ": " + Disk.explain(e, layout.dataDir()), e);
        }
    }

    /** The live process; empty if it isn't running. */
    Optional<ProcessHandle> handle() {
        return readPid()
                .flatMap(ProcessHandle::of)
                .filter(ProcessHandle::isAlive)
                .filter(this::isOurs);
    }

    /** Asks it to stop: it closes its doors and flushes what it holds. */
    void terminate() {
        handle().ifPresent(ProcessHandle::destroy);
    }

    /** Ends it like a power cut (SIGKILL) and waits until it is gone. */
    public void kill() {
        handle().ifPresent(ProcessHandle::destroyForcibly);
        if (!awaitEnd(KILL_WAIT_MAX)) {
            throw new ClusterException(spec.name() + " (process " + pid().orElse(-1L) + ") can't be killed");
        }
    }

    /** Sends any signal by its name: {@code STOP} freezes it, {@code CONT} lets it go on. */
    public void signal(String signal) {
        long pid = pid().orElseThrow(() -> new ClusterException(spec.name() + " is not running"));
        try {
            Process kill = new ProcessBuilder("kill", "-" + signal, Long.toString(pid))
                    .redirectErrorStream(true)
                    .start();
            String said = new String(kill.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            if (kill.waitFor() != 0) {
                throw new ClusterException("can't send " + signal + " to " + spec.name() + ": " + said);
            }
        } catch (IOException e) {
            throw new ClusterException("can't send " + signal + " to " + spec.name() + ": " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ClusterException("interrupted while sending a signal to " + spec.name(), e);
        }
    }

    /**
     * True once the process is gone, false if it is still there after {@code timeout}. Looks instead of subscribing, because a dead
     * process that nobody has waited for yet still counts as running for the operating system's wait.
     */
    boolean awaitEnd(Duration timeout) {
        return Waiting.until(timeout, POLL, () -> !isAlive());
    }

    /** Why it ended, as far as it said so. */
    String lastWords() {
        Process ended = child;
        String status = ended != null && !ended.isAlive() ? " (exit status " + ended.exitValue() + ")" : "";
        return spec.name() + " has ended" + status + ": " + LogTail.lastSentence(log(), logOffset) + " [" + log() + "]";
    }

    void deletePidFile() {
        try {
            Files.deleteIfExists(pidFile());
        } catch (IOException e) {
            throw new ClusterException("can't delete " + pidFile() + ": " + e.getMessage(), e);
        }
    }

    private String mark() {
        return MARK + spec.name() + "@" + layout.dataDir();
    }

    private boolean isOurs(ProcessHandle process) {
        Process started = child;
        if (started != null && started.pid() == process.pid() && started.isAlive()) {
            return true; // before its exec it still looks like this command
        }
        Optional<String> commandLine = commandLine(process);
        if (commandLine.isPresent()) {
            return commandLine.get().contains(mark());
        }
        // The process table tells nothing (another user's, or an odd system): a process younger than its pid file is a
        // stranger.
        try {
            Instant written = Files.getLastModifiedTime(pidFile()).toInstant();
            return process.info()
                    .startInstant()
                    .map(start -> !start.isAfter(written.plus(CLOCK_GRAIN)))
                    .orElse(true);
        } catch (IOException e) {
            return false;
        }
    }

    /** Empty text for a process that has ended but that its parent has not yet waited for; empty if nothing can be told. */
    private static Optional<String> commandLine(ProcessHandle process) {
        Path linux = Path.of("/proc", Long.toString(process.pid()), "cmdline");
        try {
            if (Files.isReadable(linux)) {
                return Optional.of(new String(Files.readAllBytes(linux), StandardCharsets.UTF_8));
            }
        } catch (IOException e) {
            return Optional.of(""); // it ended while we looked
        }
        return process.info().commandLine();
    }

    private Optional<Long> readPid() {
        try {
            return Optional.of(Long.parseLong(Files.readString(pidFile()).strip()));
        } catch (IOException | NumberFormatException e) {
            return Optional.empty();
        }
    }

    private void writePid(long pid) throws IOException {
        Path draft = layout.runDir().resolve(spec.name() + ".pid.new");
        Files.writeString(draft, pid + "\n");
        Files.move(draft, pidFile(), REPLACE_EXISTING, ATOMIC_MOVE);
    }

    private void setAsideLongLog() throws IOException {
        if (Files.exists(log()) && Files.size(log()) > LOG_BYTES_MAX) {
            Files.move(log(), layout.logDir().resolve(spec.name() + ".log.1"), REPLACE_EXISTING);
        }
    }
}
