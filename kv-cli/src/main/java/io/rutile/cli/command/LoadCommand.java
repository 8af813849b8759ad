package io.rutile.cli.command;

import io.rutile.client.raw.RawKv;
import io.rutile.protocol.ByteKey;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code rutile load}: writes every pair of a file; of a key that comes twice the later value stays. */
@Command(name = "load", mixinStandardHelpOptions = true, description = "Write all pairs of a file.")
public final class LoadCommand extends FileCommand {

    @Option(
            names = "--ttl",
            paramLabel = "SECONDS",
            defaultValue = "0",
            description = "Expire after so long (API V1TTL only).")
    private long ttlSeconds;

    @Override
    CompletableFuture<Void> process(RawKv raw, Map<ByteKey, byte[]> pairs) {
        return raw.batchPut(pairs, Duration.ofSeconds(ttlSeconds));
    }

    @Override
    String done() {
        return "loaded";
    }

    @Override
    boolean orderMatters() {
        return true;
    }

    @Override
    int finish(String summary) {
        Terminal.result(summary);
        return 0;
    }
}
