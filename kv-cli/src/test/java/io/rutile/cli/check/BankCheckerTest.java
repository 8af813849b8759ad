package io.rutile.cli.check;

import static io.rutile.cli.check.Scene.txn;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.cli.check.Anomaly.Kind;
import java.util.List;
import org.junit.jupiter.api.Test;

class BankCheckerTest {

    private static Verdict check(TxnRecord... history) {
        return new BankChecker(2, 10).check(List.of(history));
    }

    @Test
    void theSumIsTheSameInEverySnapshot() {
        Verdict verdict = check(
                txn(1).read("a", 5).read("b", 5).write("a", 2).write("b", 8).ok(),
                txn(2).read("a", 2).read("b", 8).ok());

        assertThat(verdict.isClean()).isTrue();
        assertThat(verdict.checked()).isEqualTo(2);
    }

    @Test
    void aTornSnapshotHasAnotherSum() {
        Verdict verdict = check(txn(1).read("a", 2).read("b", 5).ok());

        assertThat(verdict.counts()).containsOnlyKeys(Kind.WRONG_SUM);
        assertThat(verdict.examples().get(0).sentence()).isEqualTo("T1 saw 7 in 2 accounts, not 10");
    }

    @Test
    void anAccountThatIsGoneHoldsNothing() {
        assertThat(check(txn(1).read("a").read("b", 5).ok()).counts()).containsOnlyKeys(Kind.WRONG_SUM);
    }

    @Test
    void nobodyIsOverdrawn() {
        assertThat(check(txn(1).read("a", -1).read("b", 11).ok()).counts()).containsOnlyKeys(Kind.NEGATIVE_BALANCE);
    }

    @Test
    void whatFailedHalfwayIsNoSnapshot() {
        assertThat(check(
                                txn(1).read("a", 2).read("b", 5).failed(),
                                txn(2).read("a", 3).ok())
                        .counts())
                .containsOnlyKeys(Kind.NOTHING_CHECKED);
    }
}
