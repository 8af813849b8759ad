package io.rutile.cli.command;

import io.rutile.cli.cluster.JavaRuntime;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** {@code --java}: what the services run on. */
public final class JavaOption {

    @Option(
            names = "--java",
            paramLabel = "HOME",
            description = "Java home for the services, 17 or newer (default: the one that runs this command).")
    private @Nullable Path home;

    JavaRuntime runtime() {
        return home == null ? JavaRuntime.current() : JavaRuntime.of(home);
    }
}
