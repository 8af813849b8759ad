package io.rutile.cli;

import io.rutile.cli.bench.BenchCommand;
import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.command.CheckCommand;
import io.rutile.cli.command.DeleteCommand;
import io.rutile.cli.command.DownCommand;
import io.rutile.cli.command.DrainCommand;
import io.rutile.cli.command.GetCommand;
import io.rutile.cli.command.KillCommand;
import io.rutile.cli.command.LoadCommand;
import io.rutile.cli.command.MembersCommand;
import io.rutile.cli.command.OperatorsCommand;
import io.rutile.cli.command.PrepareCommand;
import io.rutile.cli.command.PutCommand;
import io.rutile.cli.command.RegionsCommand;
import io.rutile.cli.command.ScaleCommand;
import io.rutile.cli.command.ScanCommand;
import io.rutile.cli.command.StartCommand;
import io.rutile.cli.command.StatusCommand;
import io.rutile.cli.command.StoresCommand;
import io.rutile.cli.command.TopCommand;
import io.rutile.cli.command.UpCommand;
import io.rutile.cli.command.VerifyCommand;
import io.rutile.client.KvClientException;
import java.io.PrintWriter;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * The {@code rutile} command. Results go to standard output, progress and errors to standard error. Exit codes: 0 done, 1 not done (a
 * sentence says why), 2 wrong usage.
 */
@Command(
        name = "rutile",
        mixinStandardHelpOptions = true,
        version = "rutile 0.1.0",
        description = "A replicated key-value cluster on this machine, and a client for any.",
        subcommands = {
            UpCommand.class,
            DownCommand.class,
            StatusCommand.class,
            StartCommand.class,
            KillCommand.class,
            GetCommand.class,
            PutCommand.class,
            DeleteCommand.class,
            ScanCommand.class,
            LoadCommand.class,
            MembersCommand.class,
            StoresCommand.class,
            RegionsCommand.class,
            OperatorsCommand.class,
            TopCommand.class,
            DrainCommand.class,
            CheckCommand.class,
            VerifyCommand.class,
            BenchCommand.class,
            ScaleCommand.class,
            PrepareCommand.class,
            CommandLine.HelpCommand.class
        })
@SuppressWarnings("NullAway.Init") // picocli injects the spec before the command runs
public final class Rutile implements Runnable {

    @Spec
    private CommandSpec spec;

    public static void main(String[] args) {
        System.exit(run(args));
    }

    /** Runs one command line and returns its exit code. */
    static int run(String... args) {
        CommandLine commandLine = new CommandLine(new Rutile());
        commandLine.setCaseInsensitiveEnumValuesAllowed(true);
        commandLine.setExecutionExceptionHandler(Rutile::explain);
        return commandLine.execute(args);
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "name a command");
    }

    private static int explain(Exception failure, CommandLine commandLine, CommandLine.ParseResult parsed)
            throws Exception {
        PrintWriter err = commandLine.getErr();
        if (failure instanceof ClusterException || failure instanceof KvClientException) {
            err.println("rutile: " + failure.getMessage());
            return CommandLine.ExitCode.SOFTWARE;
        }
        throw failure;
    }
}
