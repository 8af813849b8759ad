package io.rutile.raft;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class ReadRoundsTest {

    private final List<Long> begun = new ArrayList<>();
    private final ReadRounds rounds = new ReadRounds((all, number) -> begun.add(number));
    private final RaftException why = new RaftException(RaftException.Kind.BUSY, "no majority");

    @Test
    void whoComesDuringARoundJoinsTheNextOne() {
        CompletableFuture<Long> first = rounds.read();
        CompletableFuture<Long> second = rounds.read();
        CompletableFuture<Long> third = rounds.read();
        rounds.applied(10);

        rounds.finished(1, 10);

        assertThat(first).isCompleted();
        assertThat(second).isNotDone();
        assertThat(begun).containsExactly(1L, 2L);
        rounds.finished(2, 10);
        assertThat(second).isCompleted();
        assertThat(third).isCompleted();
        assertThat(begun).hasSize(2);
    }

    @Test
    void r7_readWaitsUntilAllThatWasCommittedIsApplied() {
        CompletableFuture<Long> read = rounds.read();
        rounds.finished(1, 10);
        rounds.applied(9);
        assertThat(read).isNotDone();
        rounds.applied(11);
        assertThat(read).isCompletedWithValue(10L);
    }

    @Test
    void roundThatIsOverChangesNothing() {
        CompletableFuture<Long> first = rounds.read();
        rounds.failed(1, why);
        CompletableFuture<Long> second = rounds.read();

        rounds.finished(1, 0);

        assertThat(first).isCompletedExceptionally();
        assertThat(second).isNotDone();
        rounds.finished(2, 0);
        assertThat(second).isCompleted();
    }

    @Test
    void r10_readsThatWaitAreBounded() {
        for (int i = 0; i < ReadRounds.WAITING_MAX; i++) {
            assertThat(rounds.read()).isNotDone();
        }
        assertThat(rounds.read()).isCompletedExceptionally();
        rounds.failed(1, why);
        assertThat(rounds.read()).isNotDone();
    }

    @Test
    void stopFailsEverythingThatWaitsAndComes() {
        CompletableFuture<Long> current = rounds.read();
        CompletableFuture<Long> next = rounds.read();
        rounds.stop(why);
        assertThat(current).isCompletedExceptionally();
        assertThat(next).isCompletedExceptionally();
        assertThat(rounds.read()).isCompletedExceptionally();
    }
}
