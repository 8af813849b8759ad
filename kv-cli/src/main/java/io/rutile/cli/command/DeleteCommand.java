package io.rutile.cli.command;

import io.rutile.client.RutileClient;
import io.rutile.protocol.ByteKey;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code rutile delete}: keys that are gone afterwards, whether they were there or not. */
@Command(name = "delete", mixinStandardHelpOptions = true, description = "Delete keys.")
public final class DeleteCommand implements Callable<Integer> {

    @Mixin
    private Target target = new Target();

    @Parameters(paramLabel = "KEY", arity = "1..*")
    private List<String> keys = List.of();

    @Option(names = "--hex", description = "Keys are hex.")
    private boolean hex;

    @Override
    public Integer call() {
        TextForm form = TextForm.of(hex);
        List<ByteKey> deleted =
                keys.stream().map(key -> ByteKey.wrap(form.parse(key))).toList();
        try (RutileClient client = target.connect()) {
            Target.await(client.raw().batchDelete(deleted));
            return 0;
        }
    }
}
