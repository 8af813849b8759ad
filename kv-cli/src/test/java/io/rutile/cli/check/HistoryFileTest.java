package io.rutile.cli.check;

import static io.rutile.cli.check.Scene.txn;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HistoryFileTest {

    private static final HistoryHeader HEADER =
            new HistoryHeader("bank", "async", 42, Map.of("accounts", 2L, "total", 10L));

    @TempDir
    Path dir;

    @Test
    void comesBackAsItWasWritten() throws IOException {
        Path file = dir.resolve("bank.jsonl");
        // A timestamp of today is longer than 53 bits.
        TxnRecord done = txn(1).during(5, 9)
                .stamped(465_139_998_720_131_073L, 465_139_998_720_131_075L)
                .read("a", 5)
                .read("b")
                .write("a", 2)
                .ok();
        TxnRecord lost = txn(2).append("x", 3).unknown();

        try (HistoryFile.Writer writer = HistoryFile.Writer.create(file, HEADER)) {
            writer.write(done);
            writer.write(lost);
        }

        HistoryFile.Content content = HistoryFile.read(file);
        assertThat(content.header()).isEqualTo(HEADER);
        assertThat(content.header().checker()).isInstanceOf(BankChecker.class);
        assertThat(content.transactions()).containsExactly(done, lost);
        assertThat(Files.readString(file)).contains("\"startTs\":\"465139998720131073\"");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "null", "{}", "no json", "{\"id\":1}", "{\"id\":1,\"outcome\":\"PERHAPS\"}"})
    void aLineThatIsNoTransactionIsNamed(String line) throws IOException {
        Path file = dir.resolve("broken.jsonl");
        HistoryFile.Writer.create(file, HEADER).close();
        Files.writeString(file, Files.readString(file) + line + "\n");

        assertThatThrownBy(() -> HistoryFile.read(file))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("broken.jsonl, line 2 is no part of a history");
    }

    @Test
    void aHeaderWithoutACheckerIsRefused() throws IOException {
        Path empty = Files.writeString(dir.resolve("empty.jsonl"), "");

        assertThatThrownBy(() -> HistoryFile.read(empty)).hasMessageContaining("is empty");
        assertThatThrownBy(() -> new HistoryHeader("chess", "2pc", 1, Map.of()).checker())
                .hasMessage("there is no checker for the workload chess");
        assertThatThrownBy(() -> new HistoryHeader("bank", "2pc", 1, Map.of()).checker())
                .hasMessage("the history of bank does not say its accounts");
    }
}
