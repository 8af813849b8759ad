package io.rutile.cli.cluster;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Where the services are, as the build leaves them: {@code <home>/<module>/target/<module>-*-exec.jar}, and beside it, if it was
 * prepared, the same unpacked with an archive of its classes ({@link FastStart}).
 *
 * @param directory the repository's root
 */
public record RutileHome(Path directory) {

    /** System property that names the home; the launcher sets it. */
    public static final String PROPERTY = "rutile.home";

    public RutileHome {
        directory = directory.toAbsolutePath().normalize();
    }

    public static RutileHome current() {
        return new RutileHome(Path.of(System.getProperty(PROPERTY, ".")));
    }

    /** The arguments of a JVM that runs this service, from the fastest form that is there. */
    List<String> launch(Role role, JavaRuntime java) {
        return new FastStart(executableJar(role)).launch(java);
    }

    /** The executable jar of a service. @throws ClusterException if there is none, or several */
    Path executableJar(Role role) {
        Path target = directory.resolve(role.module()).resolve("target");
        List<Path> jars = new ArrayList<>();
        if (Files.isDirectory(target)) {
            try (DirectoryStream<Path> found = Files.newDirectoryStream(target, role.module() + "-*-exec.jar")) {
                found.forEach(jars::add);
            } catch (IOException e) {
                throw new ClusterException(
                        "can't look for the executable jar of " + role.module() + " in " + target + ": " + e, e);
            }
        }
        if (jars.isEmpty()) {
            throw new ClusterException(role.module() + " is not built: there is no " + role.module() + "-*-exec.jar in "
                    + target + "; run ./mvnw package");
        }
        if (jars.size() > 1) {
            throw new ClusterException("there are several executable jars of " + role.module() + " in " + target
                    + "; run ./mvnw clean package");
        }
        return jars.get(0);
    }
}
