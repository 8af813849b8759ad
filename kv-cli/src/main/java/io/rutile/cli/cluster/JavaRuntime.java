package io.rutile.cli.cluster;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A Java to run services with.
 *
 * @param executable its {@code java}
 * @param feature its feature release: 17, 25
 */
public record JavaRuntime(Path executable, int feature) {

    private static final int FEATURE_MIN = 17;
    private static final Pattern RELEASE = Pattern.compile("JAVA_VERSION=\"?(\\d+)");

    /** The one that this command runs on. */
    public static JavaRuntime current() {
        return new JavaRuntime(
                Path.of(System.getProperty("java.home", ""), "bin", "java"),
                Runtime.version().feature());
    }

    /**
     * The one that is installed somewhere else.
     *
     * @param home a Java home, or the path of a {@code java} inside one
     */
    public static JavaRuntime of(Path home) {
        Path executable = Files.isDirectory(home) ? home.resolve("bin").resolve("java") : home;
        if (!Files.isExecutable(executable)) {
            throw new ClusterException("there is no Java at " + home + "; name its home or its bin/java");
        }
        try {
            Path release = executable.toRealPath().resolve("../../release").normalize();
            Matcher version = RELEASE.matcher(Files.readString(release));
            if (!version.find()) {
                throw new ClusterException(release + " names no Java version");
            }
            int feature = Integer.parseInt(version.group(1));
            if (feature < FEATURE_MIN) {
                throw new ClusterException(
                        executable + " is Java " + feature + ", but Rutile needs " + FEATURE_MIN + " or newer");
            }
            return new JavaRuntime(executable, feature);
        } catch (IOException e) {
            throw new ClusterException("can't tell which Java " + executable + " is: " + e, e);
        }
    }
}
