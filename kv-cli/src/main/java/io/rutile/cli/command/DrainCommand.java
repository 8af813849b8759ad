package io.rutile.cli.command;

import io.rutile.cli.placement.Drain;
import io.rutile.cli.placement.StoreView;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code rutile drain}: empties a store for good, or takes that back. Exit code 1 if it is not empty in time. */
@Command(
        name = "drain",
        mixinStandardHelpOptions = true,
        description = "Move everything off a store and take it out of the cluster for good.")
@SuppressWarnings("NullAway.Init") // the spec is injected before the command is called
public final class DrainCommand implements Callable<Integer> {

    private static final Duration LOOK_EVERY = Duration.ofMillis(500);

    @Spec
    private CommandSpec spec;

    @Mixin
    private Target target = new Target();

    @Parameters(index = "0", paramLabel = "STORE", description = "Number of the store, as rutile stores shows it.")
    private long store;

    @Option(
            names = "--within",
            paramLabel = "SECONDS",
            defaultValue = "3600",
            description = "Watch for so long (default: 3600). The store goes on leaving after that, too.")
    private int withinSeconds = 3_600;

    @Option(names = "--cancel", description = "The store stays after all.")
    private boolean cancel;

    @Override
    public Integer call() {
        if (store <= 0 || withinSeconds < 0) {
            throw new ParameterException(spec.commandLine(), "STORE and --within must be positive");
        }
        Drain drain = new Drain(target.pd(), store, System::nanoTime, () -> Thread.sleep(LOOK_EVERY.toMillis()));
        if (cancel) {
            drain.cancel();
            Terminal.result("store " + store + " stays");
            return 0;
        }
        StoreView last = drain.run(Duration.ofSeconds(withinSeconds), DrainCommand::show);
        if (last.state().equals("Tombstone")) {
            Terminal.result("store " + store + " is empty and out of the cluster; its process can be stopped");
            return 0;
        }
        String held = drain.whatHoldsIt().map(why -> "; " + why).orElse("");
        Terminal.error("store " + store + " still holds " + last.regions() + " regions after " + withinSeconds
                + " s and goes on leaving" + held + "; rutile drain " + store + " --cancel keeps it");
        return 1;
    }

    private static void show(StoreView store) {
        Terminal.progress("store " + store.id() + ": " + store.regions() + " regions left, " + store.leaders()
                + " of them led there");
    }
}
