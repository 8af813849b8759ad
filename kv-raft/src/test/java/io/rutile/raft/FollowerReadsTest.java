package io.rutile.raft;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.rutile.raft.wire.ReadIndexAnswer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class FollowerReadsTest {

    private final Deque<FollowerReads.Answer> asked = new ArrayDeque<>();
    private final List<Runnable> alarms = new ArrayList<>();
    private final FollowerReads reads =
            new FollowerReads((question, timeoutMs, answer) -> asked.add(answer), (ms, task) -> {
                alarms.add(task);
                return new CompletableFuture<>();
            });

    private CompletableFuture<Optional<byte[]>> read() {
        return reads.read(new byte[0], 1_000);
    }

    private void answer(long index) {
        asked.remove().take(ReadIndexAnswer.newBuilder().setIndex(index).build());
    }

    @Test
    void r7_readWaitsUntilWhatTheLeaderHadCommittedIsApplied() {
        CompletableFuture<Optional<byte[]>> later = read();
        CompletableFuture<Optional<byte[]>> sooner = read();
        answer(10);
        answer(9);
        reads.applied(8);
        assertThat(sooner).isNotDone();

        reads.applied(9);

        assertThat(sooner).isCompletedWithValue(Optional.empty());
        assertThat(later).isNotDone();
        reads.applied(12);
        assertThat(later).isCompletedWithValue(Optional.empty());
        assertThat(reads.waiting()).isZero();
    }

    @Test
    void whatIsAppliedAlreadyIsNotWaitedFor() {
        reads.applied(10);
        CompletableFuture<Optional<byte[]>> read = read();
        assertThat(read).isNotDone();

        answer(10);

        assertThat(read).isCompletedWithValue(Optional.empty());
    }

    @Test
    void r10_whoWaitedTooLongLeavesItsPlaceAndALateAnswerChangesNothing() {
        CompletableFuture<Optional<byte[]>> unanswered = read();
        CompletableFuture<Optional<byte[]>> behind = read();
        asked.removeLast().take(ReadIndexAnswer.newBuilder().setIndex(10).build());

        alarms.forEach(Runnable::run);

        assertThat(unanswered).isCompletedExceptionally();
        assertThat(behind).isCompletedExceptionally();
        assertThat(reads.waiting()).isZero();
        answer(10);
        reads.applied(10);
        assertThat(reads.waiting()).isZero();
    }

    @Test
    void r10_readsAndTheBytesOfTheirQuestionsAreBounded() {
        for (int i = 0; i < FollowerReads.WAITING_MAX; i++) {
            assertThat(read()).isNotDone();
        }
        assertThat(read()).isCompletedExceptionally();
        asked.remove().take(null);
        assertThat(read()).isNotDone();
        while (!asked.isEmpty()) {
            asked.remove().take(null);
        }

        int megabyte = 1 << 20;
        for (int i = 0; i < FollowerReads.QUESTION_BYTES_WAITING_MAX / megabyte; i++) {
            assertThat(reads.read(new byte[megabyte], 1_000)).isNotDone();
        }
        assertThat(reads.read(new byte[1], 1_000)).isCompletedExceptionally();
    }

    @Test
    void whatTheLeaderSaysAgainstItIsHandedOn() {
        CompletableFuture<Optional<byte[]>> refused = read();
        CompletableFuture<Optional<byte[]>> notNow = read();
        CompletableFuture<Optional<byte[]>> nonsense = read();

        asked.remove()
                .take(ReadIndexAnswer.newBuilder()
                        .setRefusal(ByteString.copyFromUtf8("no"))
                        .build());
        asked.remove().take(ReadIndexAnswer.newBuilder().setNotNow("later").build());
        asked.remove().take(ReadIndexAnswer.newBuilder().setIndex(-1).build());

        assertThat(refused.join().orElseThrow()).isEqualTo("no".getBytes(java.nio.charset.StandardCharsets.UTF_8));
        assertThat(notNow).isCompletedExceptionally();
        assertThat(nonsense).isCompletedExceptionally();
    }

    @Test
    void stopFailsWhatWaitsForAnIndexAndWhatComes() {
        CompletableFuture<Optional<byte[]>> waits = read();
        answer(10);

        reads.stop(new RaftException(RaftException.Kind.STOPPED, "by test"));

        assertThat(waits).isCompletedExceptionally();
        assertThat(read()).isCompletedExceptionally();
    }
}
