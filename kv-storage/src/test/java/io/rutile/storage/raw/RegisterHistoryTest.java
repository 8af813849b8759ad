package io.rutile.storage.raw;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The checker finds what is wrong: a checker that says yes to everything proves nothing. */
class RegisterHistoryTest {

    private final RegisterHistory history = new RegisterHistory();

    @Test
    void concurrentWritesMayTakeEffectInEitherOrder() {
        long a = history.call();
        long b = history.call();
        history.write(a, Optional.of("a"));
        history.write(b, Optional.of("b"));
        history.read(history.call(), Optional.of("a"));

        assertThat(history.isLinearizable()).isTrue();
    }

    @Test
    void aStaleReadIsFound() {
        history.write(history.call(), Optional.of("a"));
        history.write(history.call(), Optional.of("b"));
        history.read(history.call(), Optional.of("a"));

        assertThat(history.isLinearizable()).isFalse();
    }

    @Test
    void twoSwapsOfOneValueAreFound() {
        history.write(history.call(), Optional.of("a"));
        long one = history.call();
        long two = history.call();
        history.swap(one, true, Optional.of("a"), Optional.of("b"));
        history.swap(two, true, Optional.of("a"), Optional.of("c"));

        assertThat(history.isLinearizable()).isFalse();
    }

    @Test
    void aSwapThatOverwritesAPutItDidNotSeeIsFound() {
        long put = history.call();
        history.write(put, Optional.of("lost"));
        long swap = history.call();
        history.swap(swap, true, Optional.empty(), Optional.of("won"));

        assertThat(history.isLinearizable()).isFalse();
    }
}
