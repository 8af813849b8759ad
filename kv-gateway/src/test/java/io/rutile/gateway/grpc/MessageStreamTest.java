package io.rutile.gateway.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.stub.ServerCallStreamObserver;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class MessageStreamTest {

    private final Out out = new Out();
    private final Clock clock = new Clock();
    private final MessageStream<Integer> stream = new MessageStream<>(out, clock);

    @Test
    void whatHasRoomIsSentAtOnce() {
        CompletableFuture<Void> taken = stream.send(List.of(1, 2, 3).iterator());

        assertThat(out.sent).containsExactly(1, 2, 3);
        assertThat(taken).isCompleted();
        assertThat(clock.waits).isFalse();
    }

    /** The transport may have sent something between two questions. */
    @Test
    void roomThatComesAMomentAfterThereWasNoneLosesNothing() {
        out.answers.addAll(List.of(true, false, true, true));

        CompletableFuture<Void> taken = stream.send(List.of(1, 2, 3).iterator());

        assertThat(out.sent).containsExactly(1);
        assertThat(taken).isNotDone();
        assertThat(clock.waits).isTrue();
        out.answers.clear();
        out.becomeReady();
        assertThat(out.sent).containsExactly(1, 2, 3);
        assertThat(taken).isCompleted();
        assertThat(clock.waits).isFalse();
    }

    @Test
    void theLastMessageIsTakenOnceThereIsRoomBehindIt() {
        out.answers.addAll(List.of(true, false));

        CompletableFuture<Void> taken = stream.send(List.of(1).iterator());

        assertThat(out.sent).containsExactly(1);
        assertThat(taken).isNotDone();
        out.becomeReady();
        assertThat(taken).isCompleted();
        assertThat(out.sent).containsExactly(1);
    }

    @Test
    void whoIsGoneIsSentNothing() {
        out.answers.addAll(List.of(false));
        CompletableFuture<Void> taken = stream.send(List.of(1).iterator());

        out.cancel();

        assertThat(taken).isCompletedExceptionally();
        out.becomeReady();
        assertThat(out.sent).isEmpty();
        assertThat(stream.send(List.of(2).iterator())).isCompletedExceptionally();
    }

    private static final class Clock implements MessageStream.Watch {

        private boolean waits;

        @Override
        public void waitForClient() {
            waits = true;
        }

        @Override
        public void clientMoved() {
            waits = false;
        }
    }

    /** Says what it is told to whoever asks whether there is room; yes when it has been told nothing more. */
    private static final class Out extends ServerCallStreamObserver<Integer> {

        private final List<Integer> sent = new ArrayList<>();
        private final Deque<Boolean> answers = new ArrayDeque<>();
        private @Nullable Runnable onReady;
        private @Nullable Runnable onCancel;

        void becomeReady() {
            if (onReady != null) {
                onReady.run();
            }
        }

        void cancel() {
            if (onCancel != null) {
                onCancel.run();
            }
        }

        @Override
        public boolean isReady() {
            Boolean answer = answers.poll();
            return answer == null || answer;
        }

        @Override
        public void onNext(Integer message) {
            sent.add(message);
        }

        @Override
        public void setOnReadyHandler(Runnable handler) {
            onReady = handler;
        }

        @Override
        public void setOnCancelHandler(Runnable handler) {
            onCancel = handler;
        }

        @Override
        public boolean isCancelled() {
            return false;
        }

        @Override
        public void setCompression(String compression) {}

        @Override
        public void request(int count) {}

        @Override
        public void setMessageCompression(boolean enable) {}

        @Override
        public void disableAutoInboundFlowControl() {}

        @Override
        public void onError(Throwable failure) {}

        @Override
        public void onCompleted() {}
    }
}
