package io.rutile.cli.command;

import io.rutile.cli.cluster.ClusterException;
import io.rutile.client.raw.RawKv;
import io.rutile.protocol.ByteKey;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import picocli.CommandLine.Command;

/** {@code rutile verify}: reads back what a file says and compares byte for byte. A key should be in the file once. */
@Command(
        name = "verify",
        mixinStandardHelpOptions = true,
        description = "Compare all pairs of a file with what the cluster holds; exit code 1 if any differs.",
        subcommands = {
            VerifyTxnCommand.class,
            VerifyRegionsCommand.class,
            VerifyGrowthCommand.class,
            VerifyGatewayCommand.class
        })
public final class VerifyCommand extends FileCommand {

    private final AtomicLong missing = new AtomicLong();
    private final AtomicLong different = new AtomicLong();

    @Override
    CompletableFuture<Void> process(RawKv raw, Map<ByteKey, byte[]> pairs) {
        return raw.batchGet(List.copyOf(pairs.keySet()))
                .thenAccept(found -> pairs.forEach((key, value) -> {
                    byte[] stored = found.get(key);
                    if (stored == null) {
                        missing.incrementAndGet();
                    } else if (!Arrays.equals(stored, value)) {
                        different.incrementAndGet();
                    }
                }));
    }

    @Override
    String done() {
        return "compared";
    }

    @Override
    boolean orderMatters() {
        return false;
    }

    @Override
    int finish(String summary) {
        if (missing.get() + different.get() > 0) {
            throw new ClusterException(summary + ": " + missing.get() + " missing, " + different.get() + " different");
        }
        Terminal.result(summary + ", all the same");
        return 0;
    }
}
