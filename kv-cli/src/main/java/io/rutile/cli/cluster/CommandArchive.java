package io.rutile.cli.cluster;

import java.io.File;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * An archive of the classes of this command, for the launcher: {@code kv-cli/target/rutile-FEATURE.jsa}. Most commands live for a second, and
 * more than half of that is reading and verifying classes. Java 19 and newer keep such an archive by themselves, as the launcher tells them.
 *
 * <p>It holds for one class path, letter by letter: the launcher's. Whatever does not fit is ignored by the JVM.
 */
final class CommandArchive {

    private static final int KEPT_BY_ITSELF_FROM = 19;
    private static final long TRAINING_SECONDS_MAX = 60;

    private final Path target;

    CommandArchive(RutileHome home) {
        this.target = home.directory().resolve("kv-cli").resolve("target");
    }

    /** Makes it, if this Java wants one and there is something to make it from. */
    void prepare(JavaRuntime java, Consumer<String> progress) throws IOException, InterruptedException {
        Path classPath = target.resolve("rutile.classpath");
        Path archive = target.resolve("rutile-" + java.feature() + ".jsa");
        Path jar = jar();
        if (java.feature() >= KEPT_BY_ITSELF_FROM || jar == null || !Files.isRegularFile(classPath)) {
            return;
        }
        progress.accept("archiving the classes of this command");
        Files.deleteIfExists(archive);
        // Asks a port at which nobody is: picocli, the client and gRPC are loaded, and nobody is disturbed.
        Process training = new ProcessBuilder(List.of(
                        java.executable().toString(),
                        "-Xmx256m",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-XX:ArchiveClassesAtExit=" + archive,
                        "-cp",
                        jar + File.pathSeparator + Files.readString(classPath).strip(),
                        "io.rutile.cli.Rutile",
                        "get",
                        "nothing",
                        "--target",
                        "127.0.0.1:1",
                        "--timeout",
                        "1"))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        if (!training.waitFor(TRAINING_SECONDS_MAX, TimeUnit.SECONDS)) {
            training.destroyForcibly();
        }
        if (!Files.isRegularFile(archive)) {
            // Commands start without it, too.
            progress.accept("there is no archive of the classes of this command");
        }
    }

    /** The launcher's: not the executable one. Null if there is none. */
    private @Nullable Path jar() throws IOException {
        List<Path> jars = new ArrayList<>();
        if (Files.isDirectory(target)) {
            try (DirectoryStream<Path> found = Files.newDirectoryStream(target, "kv-cli-*.jar")) {
                found.forEach(jars::add);
            }
        }
        return jars.stream()
                .filter(jar -> !jar.getFileName().toString().endsWith("-exec.jar"))
                .findFirst()
                .orElse(null);
    }
}
