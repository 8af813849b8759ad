package io.rutile.cli.cluster;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A service in the form that starts fastest: its executable jar unpacked, and an archive of its classes as the JVM holds them after
 * loading. On two cores five processes start at once, and reading and verifying classes out of nested jars is more than half of
 * their work until they are ready.
 *
 * <pre>
 * target/run/         := source.stamp app/ [ classes-FEATURE.jsa ]
 * source.stamp        := size and change time of the jar that this was made from
 * app/                := the jar, unpacked: the service's own jar and lib/
 * classes-FEATURE.jsa := for one feature release of Java; another JVM ignores it
 * </pre>
 *
 * Whatever is missing, or was made from another jar, is not used: the executable jar alone runs the same service.
 */
final class FastStart {

    private static final long STEP_SECONDS_MAX = 180;

    private final Path jar;
    private final Path run;

    FastStart(Path executableJar) {
        this.jar = executableJar;
        this.run = executableJar.resolveSibling("run");
    }

    /** Arguments for a JVM, class path and main class last. */
    List<String> launch(JavaRuntime java) {
        List<String> arguments = new ArrayList<>();
        if (isCurrent()) {
            Path archive = archive(java);
            if (Files.isRegularFile(archive)) {
                arguments.add("-XX:SharedArchiveFile=" + archive);
                // An archive of another build of Java is skipped, and that is no news.
                arguments.add("-Xshare:auto");
                arguments.add("-Xlog:cds=off");
                arguments.add("-Xlog:cds+dynamic=off");
            }
            arguments.addAll(List.of("-jar", unpacked().toString()));
        } else {
            arguments.addAll(List.of("-jar", jar.toString()));
        }
        return arguments;
    }

    boolean isCurrent(JavaRuntime java) {
        return isCurrent() && Files.isRegularFile(archive(java));
    }

    /**
     * Unpacks the jar and runs the service once, up to the point where it would begin to serve, to see which classes it loads.
     *
     * @param flags the flags that it will run with: an archive holds for one collector
     * @param settings arguments with which it can start: free ports, a directory of its own
     */
    void prepare(JavaRuntime java, List<String> flags, List<String> settings) throws IOException, InterruptedException {
        if (!isCurrent()) {
            unpack(java);
        }
        List<String> training = new ArrayList<>(List.of(java.executable().toString()));
        training.addAll(flags);
        training.add("-XX:ArchiveClassesAtExit=" + archive(java));
        training.add("-Dspring.context.exit=onRefresh");
        training.addAll(List.of("-jar", unpacked().toString()));
        training.addAll(settings);
        execute(training);
        Files.writeString(run.resolve("source.stamp"), stamp()); // last: what failed half-way is not used
    }

    /** Archives of the jar before this one go with it; one for another Java, of the same jar, stays. */
    private void unpack(JavaRuntime java) throws IOException, InterruptedException {
        delete(run);
        Files.createDirectories(run);
        execute(List.of(
                java.executable().toString(),
                "-Djarmode=tools",
                "-jar",
                jar.toString(),
                "extract",
                "--destination",
                run.resolve("app").toString()));
    }

    private boolean isCurrent() {
        try {
            return Files.isRegularFile(unpacked())
                    && Files.readString(run.resolve("source.stamp")).equals(stamp());
        } catch (IOException e) {
            return false;
        }
    }

    /** The change time where there is one, because builds that can be reproduced set the modification time to a fixed one. */
    private String stamp() throws IOException {
        Object changed;
        try {
            changed = Files.getAttribute(jar, "unix:ctime");
        } catch (UnsupportedOperationException | IllegalArgumentException e) {
            changed = Files.getLastModifiedTime(jar);
        }
        return Files.size(jar) + " " + changed;
    }

    private Path unpacked() {
        return run.resolve("app").resolve(String.valueOf(jar.getFileName()));
    }

    private Path archive(JavaRuntime java) {
        return run.resolve("classes-" + java.feature() + ".jsa");
    }

    private void execute(List<String> command) throws IOException, InterruptedException {
        Path log = run.resolve("prepare.log");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
        if (!process.waitFor(STEP_SECONDS_MAX, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new ClusterException(
                    "preparing " + jar.getFileName() + " took longer than " + STEP_SECONDS_MAX + " s; see " + log);
        }
        if (process.exitValue() != 0) {
            throw new ClusterException(
                    "preparing " + jar.getFileName() + " failed: " + LogTail.lastSentence(log, 0) + " [" + log + "]");
        }
    }

    private static void delete(Path directory) throws IOException {
        if (!Files.exists(directory)) {
            return;
        }
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
