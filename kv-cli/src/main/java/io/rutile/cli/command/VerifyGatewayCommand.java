package io.rutile.cli.command;

import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.verify.GatewayCheck;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code rutile verify gateway}: is what an application writes through a gateway there, and only that? Exit code 1 if not. */
@Command(
        name = "gateway",
        mixinStandardHelpOptions = true,
        description = "Write, read, scan and delete some pairs through a gateway's REST API and compare them.")
public final class VerifyGatewayCommand implements Callable<Integer> {

    @Mixin
    private Target target = new Target();

    @Parameters(
            paramLabel = "URL",
            arity = "0..1",
            description = "The gateway, such as http://127.0.0.1:8080 (default: that of the local cluster in --data).")
    private @Nullable String url;

    @Option(names = "--pairs", paramLabel = "N", defaultValue = "100", description = "How many (default: 100).")
    private int pairs = 100;

    @Option(
            names = "--within",
            paramLabel = "SECONDS",
            defaultValue = "60",
            description = "How long all of it may take, a gateway that is still starting included (default: 60).")
    private int withinSeconds = 60;

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = "Of keys and values (default: another one each time; it is told).")
    private @Nullable Long seed;

    @Option(
            names = "--token",
            paramLabel = "TOKEN",
            defaultValue = "${env:RUTILE_TOKEN}",
            description =
                    "What the gateway knows the caller by, if it asks (default: the variable RUTILE_TOKEN, which others do not see"
                            + " in the list of processes). It has to read and write keys that begin with rutile-verify/.")
    private @Nullable String token;

    @Override
    public Integer call() {
        String gateway = url != null ? url : target.gatewayUrl();
        long drawn = seed != null ? seed : System.nanoTime();
        Terminal.progress("seed " + drawn);
        List<String> findings = new GatewayCheck(
                        gateway, Duration.ofSeconds(withinSeconds), drawn, token, target.security())
                .run(pairs);
        if (!findings.isEmpty()) {
            throw new ClusterException(gateway + ": " + String.join("; ", findings));
        }
        Terminal.result(pairs + " pairs written, read, scanned and deleted through " + gateway);
        return 0;
    }
}
