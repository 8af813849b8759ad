package io.rutile.cli.check;

import static io.rutile.cli.check.Scene.txn;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.cli.check.Anomaly.Kind;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** P6: each anomaly by hand, as small as it can be, and what only looks like one. */
class ListAppendCheckerTest {

    private static Verdict check(TxnRecord... history) {
        return new ListAppendChecker().check(List.of(history));
    }

    private static void assertOnly(Kind kind, TxnRecord... history) {
        Verdict verdict = check(history);
        assertThat(verdict.counts()).as(verdict.toString()).containsOnlyKeys(kind);
    }

    private static void assertClean(TxnRecord... history) {
        Verdict verdict = check(history);
        assertThat(verdict.isClean()).as(verdict.toString()).isTrue();
    }

    // ---- what is right

    @Test
    void oneAfterTheOtherIsClean() {
        assertClean(
                txn(1).during(0, 1).stamped(10, 11).append("x", 1).ok(),
                txn(2).during(2, 3).stamped(20, 21).read("x", 1).append("x", 2).ok(),
                txn(3).during(4, 5).stamped(30, 30).read("x", 1, 2).ok());
    }

    @Test
    void writeSkewIsAllowed() {
        assertClean(
                txn(1).read("x").append("y", 1).ok(),
                txn(2).read("y").append("x", 2).ok(),
                txn(3).read("x", 2).read("y", 1).ok());
    }

    @Test
    void anUnknownOutcomeMayBeSeenOrNot() {
        assertClean(
                txn(1).append("x", 1).unknown(),
                txn(2).append("y", 2).unknown(),
                txn(3).during(2_000, 2_001).read("x", 1).read("y").ok());
    }

    @Test
    void aSnapshotThatBeganBeforeAnAppendWasAcknowledgedMayLackIt() {
        assertClean(
                txn(1).during(0, 10).append("x", 1).ok(),
                txn(2).during(5, 20).read("x").ok(),
                txn(3).during(30, 31).read("x", 1).ok());
    }

    // ---- cycles

    @Test
    void g0IsTwoTransactionsThatWroteInBothOrders() {
        assertOnly(
                Kind.G0,
                txn(1).append("x", 1).append("y", 1).ok(),
                txn(2).append("x", 2).append("y", 2).ok(),
                txn(3).read("x", 1, 2).ok(),
                txn(4).read("y", 2, 1).ok());
    }

    @Test
    void g1cIsTwoTransactionsThatReadEachOther() {
        assertOnly(
                Kind.G1C,
                txn(1).append("x", 1).read("y", 2).ok(),
                txn(2).append("y", 2).read("x", 1).ok());
    }

    @Test
    void gSingleIsATornSnapshot() {
        assertOnly(
                Kind.G_SINGLE,
                txn(1).append("x", 1).append("y", 2).ok(),
                txn(2).read("x").read("y", 2).ok(),
                txn(3).read("x", 1).ok());
    }

    @Test
    void gSingleIsATornSnapshotAcrossSeveralTransactions() {
        Verdict verdict = check(
                txn(1).append("x", 1).append("y", 2).ok(),
                txn(2).read("y", 2).append("z", 3).ok(),
                txn(3).read("z", 3).read("x").ok(),
                txn(4).read("x", 1).ok());

        assertThat(verdict.counts()).containsOnlyKeys(Kind.G_SINGLE);
        assertThat(verdict.examples().get(0).transactions())
                .extracting(TxnRecord::id)
                .as("the smallest cycle, in the order of its edges")
                .containsExactly(3L, 1L, 2L);
    }

    @Test
    void gSingleIsAnUpdateBelowAnother() {
        assertOnly(
                Kind.G_SINGLE,
                txn(1).append("x", 1).ok(),
                txn(2).read("x").append("y", 9).append("x", 2).ok(),
                txn(3).read("x", 1, 2).ok());
    }

    @Test
    void gSingleIsAnUpdateOfAVersionThatAnotherUpdatedToo() {
        assertOnly(
                Kind.G_SINGLE,
                txn(1).read("x").append("x", 1).ok(),
                txn(2).read("x").append("x", 2).ok(),
                txn(3).append("y", 3).ok());
    }

    @Test
    void gSingleIsAnAcknowledgedAppendBehindTheLongestReadThatWasSeenElsewhere() {
        assertOnly(
                Kind.G_SINGLE,
                txn(1).append("x", 1).append("y", 2).ok(),
                txn(2).read("y", 2).read("x").ok());
    }

    @Test
    void aCycleWithTwoAntiDependenciesThatAreNotInARowIsExcludedToo() {
        // The long fork: two snapshots see two independent writes in different orders.
        assertOnly(
                Kind.G_NONADJACENT,
                txn(1).append("x", 1).ok(),
                txn(2).append("y", 2).ok(),
                txn(3).read("x", 1).read("y").ok(),
                txn(4).read("x").read("y", 2).ok(),
                txn(5).read("x", 1).ok(),
                txn(6).read("y", 2).ok());
    }

    // ---- what is seen

    @Test
    void g1aIsAReadOfWhatFailed() {
        assertOnly(Kind.G1A, txn(1).append("x", 1).failed(), txn(2).read("x", 1).ok());
    }

    @Test
    void g1bIsAReadOfHalfATransaction() {
        Verdict verdict = check(
                txn(1).append("x", 1).append("x", 2).unknown(),
                txn(2).read("x", 1).ok());

        assertThat(verdict.counts()).as("and its other half is missing").containsOnlyKeys(Kind.G1B, Kind.G_SINGLE);
    }

    @Test
    void anElementTwiceInItsList() {
        assertOnly(
                Kind.DUPLICATE,
                txn(1).append("x", 1).ok(),
                txn(2).read("x", 1, 1).ok());
    }

    @Test
    void anElementThatNobodyAppended() {
        assertOnly(Kind.NEVER_WRITTEN, txn(1).read("x", 7).ok());
    }

    @Test
    void readsThatNoOrderExplains() {
        assertOnly(
                Kind.INCOMPATIBLE_ORDER,
                txn(1).append("x", 1).ok(),
                txn(2).append("x", 2).ok(),
                txn(3).append("x", 3).ok(),
                txn(4).read("x", 1, 2, 3).ok(),
                txn(5).read("x", 2).ok());
    }

    @Test
    void aLostAppend() {
        assertOnly(
                Kind.LOST_APPEND,
                txn(1).during(0, 1).append("x", 1).ok(),
                txn(2).during(2, 3).read("x").ok());
    }

    @Test
    void aStaleRead() {
        assertOnly(
                Kind.STALE_READ,
                txn(1).during(0, 1).append("x", 1).ok(),
                txn(2).during(2, 3).read("x").ok(),
                txn(3).during(2, 3).read("x", 1).ok());
    }

    @Test
    void aSnapshotWithoutWhatWasCommittedBeforeIt() {
        assertOnly(
                Kind.TIME_TRAVEL,
                txn(1).stamped(10, 11).append("x", 1).ok(),
                txn(2).stamped(20, 20).read("x").ok());
    }

    @Test
    void aSnapshotWithWhatWasCommittedAfterIt() {
        assertOnly(
                Kind.TIME_TRAVEL,
                txn(1).stamped(10, 21).append("x", 1).ok(),
                txn(2).stamped(20, 20).read("x", 1).ok());
    }

    @Test
    void versionsThatWereNotCommittedInTheirOrder() {
        assertOnly(
                Kind.TIME_TRAVEL,
                txn(1).stamped(10, 19).append("x", 1).ok(),
                txn(2).stamped(12, 13).append("x", 2).ok(),
                txn(3).stamped(30, 30).read("x", 1, 2).ok());
    }

    @Test
    void aTransactionThatSeesAKeyChange() {
        assertOnly(
                Kind.INTERNAL,
                txn(1).append("x", 1).ok(),
                txn(2).read("x").read("x", 1).failed(),
                txn(3).read("x", 1).ok());
    }

    @Test
    void aTransactionThatDoesNotSeeItsOwnAppend() {
        assertOnly(
                Kind.INTERNAL,
                txn(1).append("x", 1).read("x").failed(),
                txn(2).read("x").ok());
    }

    @Test
    void aHistoryWithoutReadsProvesNothing() {
        assertOnly(
                Kind.NOTHING_CHECKED,
                txn(1).append("x", 1).ok(),
                txn(2).read("x").failed());
    }

    // ---- how it tells

    @Test
    void aCycleIsExplainedEdgeByEdge() {
        Verdict verdict = check(
                txn(1).append("x", 1).append("y", 2).ok(),
                txn(2).read("x").read("y", 2).ok(),
                txn(3).read("x", 1).ok());

        assertThat(verdict.examples().get(0).sentence())
                .isEqualTo("a cycle of 2: T2 -(rw x at the empty list)-> T1 -(wr y at element 2)-> T2");
        assertThat(verdict.examples().get(0).toString()).contains("G-single: ", "read x [], read y [2]");
    }

    @Test
    void countsAllAndKeepsAFew() {
        List<TxnRecord> history = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            history.add(txn(2 * i).append("x" + i, 1).failed());
            history.add(txn(2 * i + 1).read("x" + i, 1).ok());
        }

        Verdict verdict = new ListAppendChecker().check(history);

        assertThat(verdict.anomalies()).isEqualTo(100);
        assertThat(verdict.examples()).hasSize(5);
    }

    @Test
    void anElementThatIsAppendedTwiceIsNoHistory() {
        assertThatThrownBy(() ->
                        check(txn(1).append("x", 1).ok(), txn(2).append("x", 1).ok()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("element 1 of x is appended by T1 and by T2");
        assertThatThrownBy(() -> check(txn(1).write("x", 1).ok())).isInstanceOf(IllegalArgumentException.class);
    }
}
