package io.rutile.cli.command;

import io.rutile.cli.cluster.ClusterException;
import io.rutile.client.RutileClient;
import io.rutile.protocol.ByteKey;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code rutile get}: one value, as its bytes are. */
@Command(
        name = "get",
        mixinStandardHelpOptions = true,
        description = "Print the value of a key; exit code 1 if there is none.")
public final class GetCommand implements Callable<Integer> {

    @Mixin
    private Target target = new Target();

    @Parameters(paramLabel = "KEY")
    private String key = "";

    @Option(names = "--hex", description = "Key and value are hex.")
    private boolean hex;

    @Override
    public Integer call() {
        TextForm form = TextForm.of(hex);
        ByteKey wanted = ByteKey.wrap(form.parse(key));
        try (RutileClient client = target.connect()) {
            Optional<byte[]> value = Target.await(client.raw().get(wanted));
            byte[] found = value.orElseThrow(() -> new ClusterException("there is no such key"));
            if (hex) {
                Terminal.result(form.formatField(found));
            } else {
                System.out.writeBytes(found);
                System.out.println();
                System.out.flush();
            }
            return 0;
        }
    }
}
