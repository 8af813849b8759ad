package io.rutile.cli.command;

import io.rutile.client.RutileClient;
import io.rutile.client.raw.RawKv;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import java.io.BufferedOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code rutile scan}: pairs in key order, one a line, in a form that {@code rutile load} reads. */
@Command(
        name = "scan",
        mixinStandardHelpOptions = true,
        description = "Print pairs of a range in key order: key, tab, value.")
@SuppressWarnings("NullAway.Init") // the spec is injected before the command is called
public final class ScanCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Mixin
    private Target target = new Target();

    @Parameters(
            index = "0",
            paramLabel = "START",
            arity = "0..1",
            description = "First key (default: the first of all).")
    private @Nullable String start;

    @Parameters(
            index = "1",
            paramLabel = "END",
            arity = "0..1",
            description = "First key behind the range (default: none).")
    private @Nullable String end;

    @Option(names = "--prefix", paramLabel = "KEY", description = "All keys that begin so, instead of START and END.")
    private @Nullable String prefix;

    @Option(
            names = "--limit",
            paramLabel = "N",
            defaultValue = "100",
            description = "At most so many pairs (default: 100).")
    private int limit;

    @Option(names = "--all", description = "Any number of pairs.")
    private boolean all;

    @Option(names = "--reverse", description = "From the end of the range down.")
    private boolean reverse;

    @Option(names = "--keys-only", description = "Leave values out.")
    private boolean keysOnly;

    @Option(names = "--hex", description = "Keys and values are hex.")
    private boolean hex;

    @Option(
            names = "--format",
            paramLabel = "FORMAT",
            defaultValue = "TSV",
            description = "TSV or NDJSON (default: TSV).")
    private PairFormat format = PairFormat.TSV;

    @Override
    public Integer call() {
        if (limit < 0) {
            throw new ParameterException(spec.commandLine(), "--limit is negative");
        }
        TextForm form = TextForm.of(hex);
        RawKv.ScanRequest request =
                new RawKv.ScanRequest(range(form), all ? Integer.MAX_VALUE : limit, reverse, keysOnly);
        PrintStream out = new PrintStream(new BufferedOutputStream(System.out, 1 << 16), false, StandardCharsets.UTF_8);
        try (RutileClient client = target.connect()) {
            Target.await(client.raw().scan(request, pairs -> {
                pairs.forEach(pair -> out.println(
                        keysOnly
                                ? format.formatKey(pair.key().bytes(), form)
                                : format.format(pair.key().bytes(), pair.value(), form)));
                return CompletableFuture.completedFuture(null);
            }));
        } finally {
            out.flush();
        }
        return 0;
    }

    private KeyRange range(TextForm form) {
        if (prefix != null) {
            if (start != null) {
                throw new ParameterException(spec.commandLine(), "give --prefix or START and END, not both");
            }
            byte[] bytes = form.parse(prefix);
            return new KeyRange(ByteKey.wrap(bytes), endOfPrefix(bytes));
        }
        return new KeyRange(key(start, form), key(end, form));
    }

    private static ByteKey key(@Nullable String text, TextForm form) {
        return text == null ? ByteKey.EMPTY : ByteKey.wrap(form.parse(text));
    }

    /** The smallest key behind all that begin so; empty, meaning none, if the prefix is all 0xff. */
    static ByteKey endOfPrefix(byte[] prefix) {
        for (int length = prefix.length; length > 0; length--) {
            if (prefix[length - 1] != (byte) 0xff) {
                byte[] end = Arrays.copyOf(prefix, length);
                end[length - 1]++;
                return ByteKey.wrap(end);
            }
        }
        return ByteKey.EMPTY;
    }
}
