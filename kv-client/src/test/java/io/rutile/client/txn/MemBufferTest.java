package io.rutile.client.txn;

import static io.rutile.client.txn.TxnTesting.key;
import static io.rutile.client.txn.TxnTesting.value;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.kvrpcpb.Op;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The last word on a key, cell by cell of the table. */
class MemBufferTest {

    private final MemBuffer buffer =
            new MemBuffer(TimeStamp.of(1, 0), 1_000, 5, new TxnMetrics(new SimpleMeterRegistry()));

    @ParameterizedTest
    @CsvSource({
        "'',put,Put",
        "'',insert,Insert",
        "'',delete,Del",
        "'',lock,Lock",
        "put,put,Put",
        "put,insert,exists",
        "put,delete,Del",
        "put,lock,Put",
        "insert,put,Insert",
        "insert,insert,exists",
        "insert,delete,CheckNotExists",
        "insert,lock,Insert",
        "delete,put,Put",
        "delete,insert,Put",
        "delete,delete,Del",
        "delete,lock,Del",
        "insert delete,put,Insert",
        "insert delete,insert,Insert",
        "insert delete,delete,CheckNotExists",
        "insert delete,lock,CheckNotExists",
        "lock,put,Put",
        "lock,insert,Insert",
        "lock,delete,Del",
        "lock,lock,Lock",
    })
    void theLastWordCounts(String before, String call, String expected) {
        Arrays.stream(before.split(" ")).filter(word -> !word.isEmpty()).forEach(this::call);
        Op[] ops = {Op.UNRECOGNIZED};
        buffer.mutations().forEach(m -> ops[0] = m.op());
        boolean accepted = call(call);
        if (expected.equals("exists")) {
            assertThat(accepted).isFalse();
            assertThat(buffer.mutations())
                    .singleElement()
                    .satisfies(m -> assertThat(m.op()).isEqualTo(ops[0]));
        } else {
            assertThat(accepted).isTrue();
            assertThat(buffer.mutations())
                    .singleElement()
                    .satisfies(m -> assertThat(m.op()).isEqualTo(Op.valueOf(expected)));
        }
    }

    private boolean call(String word) {
        switch (word) {
            case "put" -> buffer.put(key("k"), value("v"));
            case "insert" -> {
                return buffer.insert(key("k"), value("v"));
            }
            case "delete" -> buffer.delete(key("k"));
            case "lock" -> buffer.lock(key("k"));
            default -> throw new IllegalArgumentException(word);
        }
        return true;
    }

    @Test
    void bytesFollowWhatIsThere() {
        buffer.put(key("ab"), value("1234"));
        assertThat(buffer.bytes()).isEqualTo(6);
        buffer.put(key("ab"), value("1"));
        assertThat(buffer.bytes()).isEqualTo(3);
        buffer.delete(key("ab"));
        assertThat(buffer.bytes()).isEqualTo(2);
        assertThat(buffer.count()).isEqualTo(1);
    }

    @Test
    void aRefusedWriteChangesNothing() {
        buffer.put(key("a"), new byte[990]);
        assertThatThrownBy(() -> buffer.put(key("a"), new byte[1_000]))
                .isInstanceOf(TransactionTooLargeException.class);
        assertThat(buffer.bytes()).isEqualTo(991);
        assertThat(buffer.mutations())
                .singleElement()
                .satisfies(m -> assertThat(m.value()).hasSize(990));
    }

    @Test
    void locksSayNothingAboutValues() {
        buffer.lock(key("a"));
        assertThat(buffer.find(key("a"))).isNull();
        assertThat(buffer.range(KeyRange.ALL)).hasSize(1);
    }
}
