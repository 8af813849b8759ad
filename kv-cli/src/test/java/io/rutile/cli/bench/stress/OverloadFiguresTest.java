package io.rutile.cli.bench.stress;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.cli.bench.stress.OverloadFigures.Second;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class OverloadFiguresTest {

    private static final Second GOOD = new Second(1_000, 1_000, 39.9);
    private static final Second SLOW = new Second(1_000, 1_000, 40);
    private static final Second FAILING = new Second(1_000, 999, 10);
    private static final Second NOTHING = new Second(0, 0, 0);

    /** At the very border of every bar; p99 was 10 ms. */
    private static OverloadFigures figures(
            double accepted,
            long other,
            @Nullable String firstOther,
            List<String> lost,
            int restarts,
            Second... after) {
        return new OverloadFigures(1_000, accepted, other, firstOther, lost, restarts, 10, List.of(after));
    }

    private static OverloadFigures recovering(Second... after) {
        return figures(900, 0, null, List.of(), 0, after);
    }

    private static List<Boolean> met(OverloadFigures figures) {
        return figures.judge().stream().map(Verdict::met).toList();
    }

    @Test
    void whoeverReachesEveryBarHasMetAll() {
        assertThat(met(recovering(SLOW, FAILING, SLOW, SLOW, GOOD))).containsExactly(true, true, true);
    }

    @Test
    void lessThanNineTenthsOfThePeakIsTooLittle() {
        assertThat(met(figures(899, 0, null, List.of(), 0, GOOD))).containsExactly(false, true, true);
        assertThat(met(new OverloadFigures(0, 900, 0, null, List.of(), 0, 10, List.of(GOOD))))
                .as("without a peak nothing is shown")
                .containsExactly(false, true, true);
    }

    @Test
    void aLostProcessARestartOrAnotherErrorIsOneTooMany() {
        assertThat(met(figures(900, 0, null, List.of("node-2"), 0, GOOD))).containsExactly(true, false, true);
        assertThat(met(figures(900, 0, null, List.of(), 1, GOOD))).containsExactly(true, false, true);
        assertThat(met(figures(900, 1, "no", List.of(), 0, GOOD))).containsExactly(true, false, true);
        assertThat(figures(900, 1, "no", List.of("node-2"), 0, GOOD)
                        .judge()
                        .get(1)
                        .seen())
                .isEqualTo("lost: node-2, 0 restarts, 1 other errors; first: no");
    }

    @Test
    void recoveryIsTheFirstSecondWithoutAnErrorAndWithoutAQueue() {
        assertThat(recovering(GOOD).recoverySeconds()).isEqualTo(1);
        assertThat(recovering(FAILING, GOOD, FAILING).recoverySeconds()).isEqualTo(2);
        assertThat(met(recovering(SLOW, SLOW, SLOW, SLOW, SLOW, GOOD))).containsExactly(true, true, false);
        assertThat(met(recovering(FAILING, FAILING))).containsExactly(true, true, false);
        assertThat(met(recovering(NOTHING))).as("nothing asked, nothing shown").containsExactly(true, true, false);
    }
}
