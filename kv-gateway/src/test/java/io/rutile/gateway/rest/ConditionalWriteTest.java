package io.rutile.gateway.rest;

import static io.rutile.gateway.RunningGateway.bytes;
import static io.rutile.gateway.RunningGateway.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.client.KvClientException;
import io.rutile.gateway.kv.Deadline;
import io.rutile.gateway.kv.InMemoryKvOperations;
import io.rutile.protocol.ByteKey;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ConditionalWriteTest {

    private static final ByteKey KEY = key("k");

    private final InMemoryKvOperations kv = new InMemoryKvOperations();

    @Test
    void writesWhereTheTagMatches() {
        kv.pairs.put(KEY, bytes("old"));

        Optional<byte[]> before = run(Precondition.of(tag("old"), null), "new");

        assertThat(before).hasValueSatisfying(value -> assertThat(value).isEqualTo(bytes("old")));
        assertThat(kv.pairs.get(KEY)).isEqualTo(bytes("new"));
    }

    @Test
    void writesNothingWhereAnotherWriterCameBetween() {
        kv.pairs.put(KEY, bytes("old"));
        kv.beforeNextSwap(() -> kv.pairs.put(KEY, bytes("other")));

        assertProblem(() -> run(Precondition.of(tag("old"), null), "new"), 412);
        assertThat(kv.pairs.get(KEY)).isEqualTo(bytes("other"));
    }

    @Test
    void writesNothingWhereTheKeyWentAwayInBetween() {
        kv.pairs.put(KEY, bytes("old"));
        kv.beforeNextSwap(() -> kv.pairs.remove(KEY));

        assertProblem(() -> run(Precondition.of("*", null), "new"), 412);
        assertThat(kv.pairs).isEmpty();
    }

    @Test
    void goesOnWithWhateverIsThereIfThatWillDo() {
        kv.pairs.put(KEY, bytes("old"));
        kv.beforeNextSwap(() -> kv.pairs.put(KEY, bytes("other")));

        Optional<byte[]> before = run(Precondition.of("*", null), "new");

        assertThat(before).hasValueSatisfying(value -> assertThat(value).isEqualTo(bytes("other")));
        assertThat(kv.pairs.get(KEY)).isEqualTo(bytes("new"));
    }

    @Test
    void createsOnlyWhatIsNotThere() {
        assertThat(run(Precondition.of(null, "*"), "first")).isEmpty();

        assertProblem(() -> run(Precondition.of(null, "*"), "second"), 412);
        assertThat(kv.pairs.get(KEY)).isEqualTo(bytes("first"));
    }

    @Test
    void deletesOnlyWhatMatches() {
        kv.pairs.put(KEY, bytes("old"));

        assertProblem(() -> run(Precondition.of(tag("other"), null), null), 412);
        assertThat(run(Precondition.of(tag("old"), null), null)).isPresent();
        assertThat(kv.pairs).isEmpty();
    }

    @Test
    void deletingNothingWritesNothing() {
        kv.beforeNextSwap(() -> {
            throw new AssertionError("nothing to swap");
        });

        assertThat(run(Precondition.of(null, "*"), null)).isEmpty();
    }

    @Test
    void givesUpOnAKeyThatNeverRests() {
        kv.pairs.put(KEY, bytes("0"));
        IntStream.rangeClosed(1, 20).forEach(i -> kv.beforeNextSwap(() -> kv.pairs.put(KEY, bytes("" + i))));

        assertProblem(() -> run(Precondition.of("*", null), "new"), 503);
        assertThat(kv.pairs.get(KEY)).isNotEqualTo(bytes("new"));
    }

    @Test
    void isNotRepeatedWhenItMayHaveBeenCarriedOut() {
        kv.beforeNextSwap(() -> {
            throw new KvClientException(KvClientException.Kind.UNDETERMINED, "lost the answer", null, null);
        });

        assertThatThrownBy(() -> run(Precondition.of(null, "*"), "new"))
                .isInstanceOf(CompletionException.class)
                .cause()
                .isInstanceOfSatisfying(
                        KvClientException.class,
                        e -> assertThat(e.kind()).isEqualTo(KvClientException.Kind.UNDETERMINED));
        assertThat(kv.pairs).isEmpty();
    }

    private Optional<byte[]> run(Precondition precondition, @Nullable String update) {
        return new ConditionalWrite(
                        kv,
                        KEY,
                        precondition,
                        update == null ? null : bytes(update),
                        Duration.ZERO,
                        Deadline.after(Duration.ofSeconds(30)))
                .run()
                .join();
    }

    private static String tag(String value) {
        return EntityTag.of(bytes(value)).quoted();
    }

    private static void assertProblem(ThrowableAssert.ThrowingCallable call, int status) {
        assertThatThrownBy(call)
                .cause()
                .isInstanceOfSatisfying(
                        ProblemException.class,
                        e -> assertThat(e.problem().status()).isEqualTo(status));
    }
}
