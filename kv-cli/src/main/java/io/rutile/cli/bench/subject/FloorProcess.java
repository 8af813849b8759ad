package io.rutile.cli.bench.subject;

import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.cluster.JavaRuntime;
import io.rutile.cli.cluster.JvmFlags;
import io.rutile.cli.cluster.Role;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The server of a floor: a Java process of this class path with the flags of a service of the local cluster, spoken to in lines over its
 * standard streams. Its standard input ends with this process, and it with that. One thread speaks to it at a time.
 */
final class FloorProcess implements AutoCloseable {

    private static final Duration END_MAX = Duration.ofSeconds(10);

    private final String name;
    private final Path log;
    private final Process process;
    private final BufferedReader out;
    private final BufferedWriter in;

    /**
     * Starts it.
     *
     * @param like whose flags it gets
     * @param main its main class
     * @param dir where its log goes, which is its standard error
     * @throws ClusterException if it can't be started
     */
    FloorProcess(String name, Role like, Class<?> main, Path dir, String... arguments) {
        this.name = name;
        this.log = dir.resolve(name.replace(' ', '-') + ".log");
        JavaRuntime java = JavaRuntime.current();
        List<String> command = new ArrayList<>();
        command.add(java.executable().toString());
        command.addAll(JvmFlags.of(like, java));
        command.addAll(List.of("-cp", System.getProperty("java.class.path", ""), main.getName()));
        command.addAll(List.of(arguments));
        try {
            ProcessBuilder builder =
                    new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.to(log.toFile()));
            // As for the nodes.
            builder.environment().putIfAbsent("MALLOC_ARENA_MAX", "2");
            process = builder.start();
        } catch (IOException e) {
            throw new ClusterException("can't start the " + name + ": " + e.getMessage(), e);
        }
        out = process.inputReader();
        in = process.outputWriter();
    }

    long pid() {
        return process.pid();
    }

    /** Sends a line. */
    void say(String line) {
        try {
            in.write(line + "\n");
            in.flush();
        } catch (IOException e) {
            throw ended(e);
        }
    }

    /**
     * Reads lines until one begins with this word.
     *
     * @return what is behind it
     * @throws ClusterException if the process ends before, or says nothing for so long
     */
    String hear(String word, Duration timeout) throws InterruptedException {
        CompletableFuture<String> heard = CompletableFuture.supplyAsync(() -> {
            try {
                for (String line; (line = out.readLine()) != null; ) {
                    if (line.startsWith(word + " ") || line.equals(word)) {
                        return line.substring(word.length()).strip();
                    }
                }
                throw new ClusterException("the " + name + " has ended" + lastWords());
            } catch (IOException e) {
                throw ended(e);
            }
        });
        try {
            return heard.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof ClusterException cause ? cause : ended(e);
        } catch (TimeoutException e) {
            process.destroyForcibly();
            throw new ClusterException(
                    "the " + name + " did not say '" + word + "' in " + timeout.toSeconds() + " s" + lastWords(), e);
        }
    }

    private ClusterException ended(Exception cause) {
        return new ClusterException("the " + name + " has ended" + lastWords(), cause);
    }

    private String lastWords() {
        try {
            List<String> lines = Files.readAllLines(log);
            return lines.isEmpty() ? "" : ": " + lines.get(lines.size() - 1);
        } catch (IOException e) {
            return "";
        }
    }

    @Override
    public void close() {
        try {
            in.close();
        } catch (IOException e) {
            // It has ended, which is what closing is for.
        }
        try {
            if (!process.waitFor(END_MAX.toMillis(), TimeUnit.MILLISECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
