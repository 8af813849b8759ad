package io.rutile.cli.check;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import io.rutile.cli.check.TxnRecord.Interval;
import io.rutile.protocol.TimeStamp;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A history on disk, as JSON lines: a header, then one transaction a line in the order in which they ended.
 *
 * <pre>
 * header := {"workload": text, "protocol": text, "seed": number, "parameters": {name: number, …}}
 * txn    := {"id", "client", "begunNanos", "endedNanos": number, "startTs", "commitTs": decimal text,
 *            "outcome": "OK" | "FAILED" | "UNKNOWN", "steps": [step, …], "error": text}
 * step   := {"kind": "READ" | "WRITE" | "APPEND", "key": text, "values": [number, …]}
 * </pre>
 *
 * Timestamps are text because they are longer than the whole numbers that many JSON readers keep exactly.
 */
public final class HistoryFile {

    private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();

    private HistoryFile() {}

    /**
     * A history read back.
     *
     * @param header what it is of
     * @param transactions in the order in which they ended
     */
    public record Content(HistoryHeader header, List<TxnRecord> transactions) {}

    /**
     * Reads a whole file.
     *
     * @throws IOException if it can't be read
     * @throws IllegalArgumentException if it is no history; names the line
     */
    public static Content read(Path file) throws IOException {
        try (BufferedReader in = Files.newBufferedReader(file)) {
            HistoryHeader header = null;
            List<TxnRecord> transactions = new ArrayList<>();
            int number = 0;
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                number++;
                try {
                    if (header == null) {
                        header = HeaderLine.parse(line);
                    } else {
                        transactions.add(TxnLine.parse(line));
                    }
                } catch (RuntimeException e) {
                    throw new IllegalArgumentException(file + ", line " + number + " is no part of a history: " + e, e);
                }
            }
            if (header == null) {
                throw new IllegalArgumentException(file + " is empty");
            }
            return new Content(header, transactions);
        }
    }

    /** Writes a history as it comes to be. Safe from any thread. */
    public static final class Writer implements AutoCloseable {

        private final BufferedWriter out;

        private Writer(BufferedWriter out) {
            this.out = out;
        }

        /** Begins a new file, over one that is there. */
        public static Writer create(Path file, HistoryHeader header) throws IOException {
            Writer writer = new Writer(Files.newBufferedWriter(file));
            writer.line(GSON.toJson(header));
            return writer;
        }

        public synchronized void write(TxnRecord txn) throws IOException {
            line(GSON.toJson(TxnLine.of(txn)));
        }

        private void line(String json) throws IOException {
            out.write(json);
            out.newLine();
        }

        @Override
        public synchronized void close() throws IOException {
            out.close();
        }
    }

    // ---- lines as JSON knows them: anything may be missing

    private record HeaderLine(
            @Nullable String workload,
            @Nullable String protocol,
            long seed,
            @Nullable Map<String, Long> parameters) {

        static HistoryHeader parse(String line) {
            HeaderLine header = GSON.fromJson(line, HeaderLine.class);
            if (header == null || header.workload == null || header.protocol == null || header.parameters == null) {
                throw new IllegalArgumentException("a header has workload, protocol, seed and parameters");
            }
            return new HistoryHeader(header.workload, header.protocol, header.seed, header.parameters);
        }
    }

    private record TxnLine(
            long id,
            int client,
            long begunNanos,
            long endedNanos,
            @Nullable String startTs,
            @Nullable String commitTs,
            @Nullable Outcome outcome,
            @Nullable List<Step> steps,
            @Nullable String error) {

        static TxnLine of(TxnRecord txn) {
            return new TxnLine(
                    txn.id(),
                    txn.client(),
                    txn.time().begunNanos(),
                    txn.time().endedNanos(),
                    Long.toUnsignedString(txn.startTs().value()),
                    Long.toUnsignedString(txn.commitTs().value()),
                    txn.outcome(),
                    txn.steps(),
                    txn.error());
        }

        static TxnRecord parse(String text) {
            TxnLine line = GSON.fromJson(text, TxnLine.class);
            if (line == null
                    || line.startTs == null
                    || line.commitTs == null
                    || line.outcome == null
                    || line.steps == null) {
                throw new IllegalArgumentException("a transaction has startTs, commitTs, outcome and steps");
            }
            return new TxnRecord(
                    line.id,
                    line.client,
                    new Interval(line.begunNanos, line.endedNanos),
                    new TimeStamp(Long.parseUnsignedLong(line.startTs)),
                    new TimeStamp(Long.parseUnsignedLong(line.commitTs)),
                    line.outcome,
                    line.steps,
                    line.error == null ? "" : line.error);
        }
    }
}
