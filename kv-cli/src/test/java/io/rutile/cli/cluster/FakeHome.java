package io.rutile.cli.cluster;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;

/** A home whose services do nothing but live, for tests of processes. */
public final class FakeHome {

    private FakeHome() {}

    /** Packs {@link FakeService} as each of the services below this directory. */
    public static RutileHome pack(Path directory) throws IOException {
        for (Role role : Role.values()) {
            Path target =
                    Files.createDirectories(directory.resolve(role.module()).resolve("target"));
            Manifest manifest = new Manifest();
            manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
            manifest.getMainAttributes().put(Attributes.Name.MAIN_CLASS, FakeService.class.getName());
            String entry = FakeService.class.getName().replace('.', '/') + ".class";
            try (JarOutputStream jar = new JarOutputStream(
                            Files.newOutputStream(target.resolve(role.module() + "-0.1.0-exec.jar")), manifest);
                    InputStream code = FakeService.class.getClassLoader().getResourceAsStream(entry)) {
                jar.putNextEntry(new JarEntry(entry));
                jar.write(code.readAllBytes());
            }
        }
        return new RutileHome(directory);
    }

    /** A base port from which every port of a small cluster is free now. */
    public static int freeBasePort() {
        SplittableRandom random = new SplittableRandom();
        while (true) {
            int base = random.nextInt(10_000, 31_000);
            ClusterLayout candidate = new ClusterLayout(Path.of("unused"), 1, 2, base, ApiVersion.V1);
            try {
                candidate.services().forEach(Ports::requireFree);
                return base;
            } catch (ClusterException e) {
                // taken: draw again
            }
        }
    }
}
