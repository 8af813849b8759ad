package io.rutile.cli.check;

import static io.rutile.cli.check.Scene.txn;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.cli.check.WatchChecker.Seen;
import java.util.List;
import org.junit.jupiter.api.Test;

class WatchCheckerTest {

    private static final List<TxnRecord> HISTORY = List.of(
            txn(1).stamped(10, 15).write("x", 1).append("y", 2).ok(),
            txn(2).stamped(11, 13).write("z", 3).ok(),
            txn(3).stamped(12, 12).read("x").ok(),
            txn(4).stamped(14, 0).write("u", 4).unknown(),
            txn(5).stamped(16, 0).write("x", 5).failed());

    private static List<String> check(Seen... seen) {
        return WatchChecker.check(HISTORY, List.of(seen));
    }

    @Test
    void whoWasToldEverythingOnceAndInOrder() {
        assertThat(check(new Seen(13, "z"), new Seen(15, "x"), new Seen(15, "y")))
                .isEmpty();
        assertThat(check(new Seen(13, "z"), new Seen(15, "x"), new Seen(15, "y"), new Seen(17, "u")))
                .as("what may have been committed may be told")
                .isEmpty();
    }

    @Test
    void whoMissedOne() {
        assertThat(check(new Seen(13, "z"), new Seen(15, "y")))
                .hasSize(1)
                .allSatisfy(finding -> assertThat(finding).contains("not told of x at 15"));
    }

    @Test
    void whoWasToldTwice() {
        assertThat(check(new Seen(13, "z"), new Seen(15, "x"), new Seen(15, "x"), new Seen(15, "y")))
                .hasSize(1)
                .allSatisfy(finding -> assertThat(finding).contains("twice of x at 15"));
    }

    @Test
    void whoWasToldInAnotherOrder() {
        assertThat(check(new Seen(15, "x"), new Seen(15, "y"), new Seen(13, "z")))
                .hasSize(1)
                .allSatisfy(finding -> assertThat(finding).contains("z at 13 after y at 15"));
    }

    @Test
    void whoWasToldOfWhatNobodyWrote() {
        assertThat(check(new Seen(13, "z"), new Seen(15, "x"), new Seen(15, "y"), new Seen(16, "x")))
                .hasSize(1)
                .allSatisfy(finding -> assertThat(finding).contains("x at 16, which nobody wrote"));
    }
}
