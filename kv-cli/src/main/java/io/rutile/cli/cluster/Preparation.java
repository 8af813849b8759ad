package io.rutile.cli.cluster;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** Brings every service, and this command, into the form that starts fastest. The build does it once, so that no {@code up} has to. */
public final class Preparation {

    private static final int PORT_MIN = 15_000;
    private static final int PORT_MAX = 31_000;
    private static final int PORT_STEP = 500;

    private Preparation() {}

    /** Prepares the services whose jar has changed since they were last prepared for this Java. */
    public static void run(RutileHome home, JavaRuntime java, Consumer<String> progress) throws InterruptedException {
        Path scratch = null;
        try {
            for (Role role : Role.values()) {
                FastStart service = new FastStart(home.executableJar(role));
                if (service.isCurrent(java)) {
                    continue;
                }
                if (scratch == null) {
                    scratch = Files.createTempDirectory("rutile-prepare-");
                }
                progress.accept("preparing " + role.module() + " for fast starts");
                service.prepare(java, JvmFlags.of(role, java), settings(role, scratch));
            }
            new CommandArchive(home).prepare(java, progress);
        } catch (IOException e) {
            throw new ClusterException("can't prepare the services for fast starts: " + e.getMessage(), e);
        } finally {
            if (scratch != null) {
                delete(scratch);
            }
        }
    }

    /** A cluster of one of each on ports that are free now: no more than contexts are started in it. */
    private static List<String> settings(Role role, Path scratch) {
        for (int basePort = PORT_MIN; basePort < PORT_MAX; basePort += PORT_STEP) {
            try {
                ServiceSpec spec = new ClusterLayout(scratch, 1, 1, basePort, ApiVersion.V1)
                        .services().stream()
                                .filter(service -> service.role() == role)
                                .findFirst()
                                .orElseThrow();
                Ports.requireFree(spec);
                return spec.settings();
            } catch (ClusterException e) {
                // taken: try the next ones
            }
        }
        throw new ClusterException("no free ports between " + PORT_MIN + " and " + PORT_MAX);
    }

    private static void delete(Path directory) {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new ClusterException("can't delete " + directory + ": " + e.getMessage(), e);
        }
    }
}
