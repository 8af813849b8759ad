package io.rutile.cli.command;

import io.rutile.cli.cluster.Preparation;
import io.rutile.cli.cluster.RutileHome;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code rutile prepare}: what the build does last. */
@Command(
        name = "prepare",
        mixinStandardHelpOptions = true,
        description =
                "Unpack the services and archive their classes for faster starts; the build does it for its own Java.")
public final class PrepareCommand implements Callable<Integer> {

    @Mixin
    private JavaOption java = new JavaOption();

    @Override
    public Integer call() throws InterruptedException {
        Preparation.run(RutileHome.current(), java.runtime(), Terminal::progress);
        return 0;
    }
}
