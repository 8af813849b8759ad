package io.rutile.cli.check;

import static io.rutile.cli.check.Scene.txn;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.cli.check.Anomaly.Kind;
import java.util.List;
import org.junit.jupiter.api.Test;

class RealTimeCheckerTest {

    private static Verdict check(TxnRecord... history) {
        return new RealTimeChecker().check(List.of(history));
    }

    @Test
    void whoBeginsLaterReadsNothingOlder() {
        assertThat(check(
                                txn(1).during(0, 1)
                                        .stamped(10, 15)
                                        .write("x", 1)
                                        .ok(),
                                txn(2).during(2, 3).stamped(15, 15).read("x", 1).ok())
                        .isClean())
                .isTrue();
    }

    @Test
    void anOlderSnapshotAfterAnAcknowledgedCommit() {
        assertThat(check(
                                txn(1).during(0, 1)
                                        .stamped(10, 15)
                                        .write("x", 1)
                                        .ok(),
                                txn(2).during(2, 3).stamped(14, 0).read("x").failed())
                        .counts())
                .containsOnlyKeys(Kind.REAL_TIME);
    }

    @Test
    void whoOverlapsMayReadEither() {
        assertThat(check(
                                txn(1).during(0, 1).stamped(5, 5).read("x").ok(),
                                txn(2).during(0, 5)
                                        .stamped(10, 15)
                                        .write("x", 1)
                                        .ok(),
                                txn(3).during(4, 6).stamped(12, 12).read("x").ok())
                        .isClean())
                .isTrue();
    }
}
