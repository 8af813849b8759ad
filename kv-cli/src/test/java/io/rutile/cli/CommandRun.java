package io.rutile.cli;

import io.rutile.cli.cluster.RutileHome;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The launcher script, run as a user runs it: a process of its own, its two streams in files. */
final class CommandRun {

    private final Process process;
    private final Path out;
    private final Path err;

    private CommandRun(Process process, Path out, Path err) {
        this.process = process;
        this.out = out;
        this.err = err;
    }

    static CommandRun start(Path scratch, String... arguments) throws IOException {
        Path launcher = Path.of(System.getProperty(RutileHome.PROPERTY, ".."))
                .toAbsolutePath()
                .normalize()
                .resolve("rutile");
        List<String> command = new ArrayList<>(List.of(launcher.toString()));
        command.addAll(Arrays.asList(arguments));
        Path out = Files.createTempFile(scratch, "out", ".txt");
        Path err = Files.createTempFile(scratch, "err", ".txt");
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(scratch.toFile())
                .redirectOutput(out.toFile())
                .redirectError(err.toFile());
        builder.environment().put("JAVA_HOME", System.getProperty("java.home", ""));
        return new CommandRun(builder.start(), out, err);
    }

    /** Runs to its end. */
    static CommandRun run(Path scratch, String... arguments) throws IOException, InterruptedException {
        CommandRun run = start(scratch, arguments);
        run.exitCode();
        return run;
    }

    int exitCode() throws InterruptedException {
        if (!process.waitFor(300, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new IllegalStateException(
                    "rutile did not end in 300 s: " + process.info().commandLine());
        }
        return process.exitValue();
    }

    List<String> out() throws IOException {
        return Files.readAllLines(out);
    }

    List<String> err() throws IOException {
        return Files.readAllLines(err);
    }

    String outText() throws IOException {
        return Files.readString(out, StandardCharsets.UTF_8);
    }

    /** SIGTERM, as a service manager or a container sends it. */
    void terminate() {
        process.destroy();
    }

    boolean isAlive() {
        return process.isAlive();
    }
}
