package io.rutile.cli.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.cli.cluster.ClusterException;
import io.rutile.protocol.ByteKey;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PairFileTest {

    @TempDir
    Path dir;

    @Test
    void readsTabSeparatedPairsInBatches() throws IOException {
        try (PairFile file = open("pairs.tsv", "a\t1\n\nb\t\nc\t3\\t3\n")) {
            assertThat(texts(file.next(2, 1_000))).containsExactly(Map.entry("a", "1"), Map.entry("b", ""));
            assertThat(texts(file.next(2, 1_000))).containsExactly(Map.entry("c", "3\t3"));
            assertThat(file.next(2, 1_000)).isEmpty();
        }
    }

    @Test
    void readsWhatTheGatewayScans() throws IOException {
        try (PairFile file = open(
                "pairs.ndjson",
                "{\"key\":\"a\",\"value\":\"1\"}\n{\"keyBase64url\":\"Yg\",\"valueBase64url\":\"Mg\"}\n")) {
            assertThat(texts(file.next(10, 1_000))).containsExactly(Map.entry("a", "1"), Map.entry("b", "2"));
        }
    }

    @Test
    void aBatchEndsAtItsBytes() throws IOException {
        try (PairFile file = open("pairs.tsv", "a\t1234\nb\t1234\nc\t1234\n")) {
            assertThat(file.next(10, 10)).hasSize(2);
            assertThat(file.next(10, 10)).hasSize(1);
        }
    }

    @Test
    void aKeyThatComesAgainIsInALaterBatch() throws IOException {
        try (PairFile file = open("pairs.tsv", "a\told\nb\t1\na\tnew\n")) {
            assertThat(texts(file.next(10, 1_000))).containsExactly(Map.entry("a", "old"), Map.entry("b", "1"));
            assertThat(texts(file.next(10, 1_000))).containsExactly(Map.entry("a", "new"));
        }
    }

    @Test
    void aLineThatIsNoPairIsNamed() throws IOException {
        try (PairFile file = open("pairs.tsv", "a\t1\nno tab\n")) {
            assertThatThrownBy(() -> file.next(10, 1_000))
                    .isInstanceOf(ClusterException.class)
                    .hasMessageContaining("line 2", "tab");
        }
        for (String line : new String[] {
            "[]", "{", "{\"key\":\"a\"}", "{\"key\":\"a\",\"valueBase64url\":\"*\"}", "null", "{\"key\":[]}"
        }) {
            try (PairFile file = open("pairs.jsonl", line)) {
                assertThatThrownBy(() -> file.next(10, 1_000))
                        .as(line)
                        .isInstanceOf(ClusterException.class)
                        .hasMessageContaining("line 1");
            }
        }
        assertThatThrownBy(() -> PairFile.open(dir.resolve("missing"), null, TextForm.TEXT))
                .hasMessageContaining("there is no file");
    }

    @Test
    void ndjsonHoldsAnyBytes() {
        byte[] binary = {(byte) 0xff, 0};

        String line = PairFormat.NDJSON.format(binary, "text".getBytes(StandardCharsets.UTF_8), TextForm.TEXT);

        assertThat(line).isEqualTo("{\"keyBase64url\":\"_wA\",\"value\":\"text\"}");
        assertThat(PairFormat.NDJSON.parse(line, TextForm.TEXT).getKey()).isEqualTo(ByteKey.wrap(binary));
    }

    @Test
    void endsOfPrefixes() {
        assertThat(ScanCommand.endOfPrefix(new byte[] {1, 2})).isEqualTo(ByteKey.wrap(new byte[] {1, 3}));
        assertThat(ScanCommand.endOfPrefix(new byte[] {1, (byte) 0xff})).isEqualTo(ByteKey.wrap(new byte[] {2}));
        assertThat(ScanCommand.endOfPrefix(new byte[] {(byte) 0xff})).isEqualTo(ByteKey.EMPTY);
        assertThat(ScanCommand.endOfPrefix(new byte[0])).isEqualTo(ByteKey.EMPTY);
    }

    private PairFile open(String name, String content) throws IOException {
        return PairFile.open(Files.writeString(dir.resolve(name), content), null, TextForm.TEXT);
    }

    private static Map<String, String> texts(Map<ByteKey, byte[]> pairs) {
        Map<String, String> texts = new java.util.LinkedHashMap<>();
        pairs.forEach((key, value) ->
                texts.put(new String(key.bytes(), StandardCharsets.UTF_8), new String(value, StandardCharsets.UTF_8)));
        return texts;
    }
}
