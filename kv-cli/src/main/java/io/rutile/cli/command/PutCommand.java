package io.rutile.cli.command;

import io.rutile.cli.cluster.ClusterException;
import io.rutile.client.RutileClient;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.WireLimits;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code rutile put}: one value, from the command line, a file or standard input. */
@Command(name = "put", mixinStandardHelpOptions = true, description = "Write a value.")
@SuppressWarnings("NullAway.Init") // the spec is injected before the command is called
public final class PutCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Mixin
    private Target target = new Target();

    @Parameters(index = "0", paramLabel = "KEY")
    private String key = "";

    @Parameters(index = "1", paramLabel = "VALUE", arity = "0..1")
    private @Nullable String value;

    @Option(
            names = "--file",
            paramLabel = "FILE",
            description = "The value is this file's bytes; - for standard input.")
    private @Nullable Path file;

    @Option(names = "--hex", description = "Key and value of the command line are hex.")
    private boolean hex;

    @Option(
            names = "--ttl",
            paramLabel = "SECONDS",
            defaultValue = "0",
            description = "Expire after so long (API V1TTL only).")
    private long ttlSeconds;

    @Override
    public Integer call() throws IOException {
        TextForm form = TextForm.of(hex);
        ByteKey written = ByteKey.wrap(form.parse(key));
        byte[] bytes = bytes(form);
        try (RutileClient client = target.connect()) {
            Target.await(client.raw().put(written, bytes, Duration.ofSeconds(ttlSeconds)));
            return 0;
        }
    }

    private byte[] bytes(TextForm form) throws IOException {
        Path source = file;
        String text = value;
        if ((source == null) == (text == null)) {
            throw new ParameterException(spec.commandLine(), "give the value, or --file");
        }
        if (text != null) {
            return form.parse(text);
        }
        try (InputStream in = String.valueOf(source).equals("-")
                ? System.in
                : Files.newInputStream(Path.of(String.valueOf(source)))) {
            byte[] read = in.readNBytes(WireLimits.ENTRY_BYTES_MAX + 1);
            if (read.length > WireLimits.ENTRY_BYTES_MAX) {
                throw new ClusterException("the value is longer than " + (WireLimits.ENTRY_BYTES_MAX >> 20) + " MiB");
            }
            return read;
        }
    }
}
