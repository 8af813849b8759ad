package io.rutile.cli.check;

import static io.rutile.cli.check.Scene.txn;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.cli.check.Anomaly.Kind;
import java.util.List;
import org.junit.jupiter.api.Test;

class CounterCheckerTest {

    private static Verdict check(TxnRecord... history) {
        return new CounterChecker().check(List.of(history));
    }

    private static TxnRecord increment(int id, long from, Outcome outcome) {
        Scene scene = txn(id).during(id, id + 1).read("n", from).write("n", from + 1);
        return switch (outcome) {
            case OK -> scene.ok();
            case FAILED -> scene.failed();
            case UNKNOWN -> scene.unknown();
        };
    }

    private static TxnRecord last(long value) {
        return txn(99).during(1_000, 1_001).read("n", value).ok();
    }

    @Test
    void theLastValueIsTheNumberOfIncrements() {
        assertThat(check(increment(1, 0, Outcome.OK), increment(3, 1, Outcome.OK), last(2))
                        .isClean())
                .isTrue();
    }

    @Test
    void anUnknownIncrementMayBeThereOrNot() {
        TxnRecord known = increment(1, 0, Outcome.OK);
        TxnRecord unknown = increment(3, 1, Outcome.UNKNOWN);

        assertThat(check(known, unknown, last(1)).isClean()).isTrue();
        assertThat(check(known, unknown, last(2)).isClean()).isTrue();
        assertThat(check(known, unknown, last(3)).counts()).containsOnlyKeys(Kind.PHANTOM_UPDATE);
    }

    @Test
    void anAcknowledgedIncrementThatIsGone() {
        assertThat(check(increment(1, 0, Outcome.OK), increment(3, 1, Outcome.OK), last(1))
                        .counts())
                .containsOnlyKeys(Kind.LOST_UPDATE);
    }

    @Test
    void twoThatWroteTheSameValueWithoutALastRead() {
        Verdict verdict = check(increment(1, 0, Outcome.OK), increment(3, 0, Outcome.OK));

        assertThat(verdict.counts()).containsOnlyKeys(Kind.LOST_UPDATE, Kind.NOTHING_CHECKED);
        assertThat(verdict.examples().get(0).transactions())
                .extracting(TxnRecord::id)
                .containsExactly(1L, 3L);
    }

    @Test
    void aFailedIncrementThatIsThere() {
        assertThat(check(increment(1, 0, Outcome.FAILED), last(1)).counts()).containsOnlyKeys(Kind.PHANTOM_UPDATE);
    }

    @Test
    void anIncrementThatWentAnotherWayRoundIsFoundThoughTheSumIsRight() {
        assertThat(check(increment(1, 0, Outcome.OK), increment(3, 4, Outcome.OK), last(2))
                        .counts())
                .containsOnlyKeys(Kind.LOST_UPDATE, Kind.PHANTOM_UPDATE);
    }

    @Test
    void aReadInTheMiddleIsNotTheLast() {
        TxnRecord early = txn(99).during(2, 2).read("n", 0).ok();

        assertThat(check(increment(1, 0, Outcome.OK), early).counts()).containsOnlyKeys(Kind.NOTHING_CHECKED);
    }
}
