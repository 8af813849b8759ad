package io.rutile.gateway.grpc;

import static io.rutile.gateway.RunningGateway.key;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.client.raw.RawKv.Pair;
import io.rutile.gateway.kv.BatchRead;
import io.rutile.gateway.v1.BatchGetResponse;
import io.rutile.gateway.v1.ScanResponse;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PartsTest {

    private static final int PART_BYTES = 256 << 10;

    @Test
    void aMessageHasAsManyPairsAsStaySmallOrOneThatIsLarge() {
        List<Pair> pairs =
                List.of(pair("a", PART_BYTES - 1_000), pair("b", 10), pair("c", 4 << 20), pair("d", 10), pair("e", 10));

        assertThat(keys(Parts.of(pairs))).containsExactly(List.of("a", "b"), List.of("c"), List.of("d", "e"));
    }

    @Test
    void nothingIsNoMessage() {
        assertThat(Parts.of(List.of())).isExhausted();
        assertThat(Parts.of(new BatchRead.Result(List.of(), List.of()))).isExhausted();
    }

    @Test
    void pairsWithoutBytesAreCutToo() {
        List<Pair> pairs =
                IntStream.range(0, 100_000).mapToObj(i -> pair("", 0)).toList();

        List<List<String>> parts = keys(Parts.of(pairs));

        assertThat(parts).hasSizeGreaterThan(5);
        assertThat(parts.stream().mapToInt(List::size).sum()).isEqualTo(100_000);
    }

    @Test
    void unreadKeysComeLast() {
        Iterator<BatchGetResponse> parts =
                Parts.of(new BatchRead.Result(List.of(pair("a", 1)), List.of(key("b"), key("c"))));

        assertThat(parts.next().getPairsCount()).isEqualTo(1);
        assertThat(parts.next().getUnreadKeysList()).containsExactly(GrpcTesting.utf8("b"), GrpcTesting.utf8("c"));
        assertThat(parts).isExhausted();
    }

    private static Pair pair(String key, int valueBytes) {
        return new Pair(key(key), new byte[valueBytes]);
    }

    private static List<List<String>> keys(Iterator<ScanResponse> parts) {
        List<List<String>> keys = new ArrayList<>();
        parts.forEachRemaining(part -> keys.add(part.getPairsList().stream()
                .map(pair -> pair.getKey().toStringUtf8())
                .toList()));
        return keys;
    }
}
