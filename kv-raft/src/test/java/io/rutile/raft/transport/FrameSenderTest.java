package io.rutile.raft.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.grpc.stub.CallStreamObserver;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.raft.wire.Call;
import io.rutile.raft.wire.Envelope;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.LongSupplier;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FrameSenderTest {

    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    private final TakenFrames taken = new TakenFrames();
    private final FrameSender sender = sender(taken, timer, 1 << 20, System::nanoTime);

    private static FrameSender sender(
            TakenFrames stream, ScheduledExecutorService timer, long bytesMax, LongSupplier nanoClock) {
        return new FrameSender(
                stream, Runnable::run, timer, bytesMax, new TransportMetrics(new SimpleMeterRegistry()), nanoClock);
    }

    @AfterEach
    void close() {
        timer.shutdownNow();
    }

    private boolean offer(long id, boolean patient) {
        return sender.offer(Call.newBuilder().setId(id).setPatient(patient).build());
    }

    @Test
    void patientCallsGatherInOneFrame() {
        for (long id = 1; id <= 500; id++) {
            assertThat(offer(id, true)).isTrue();
        }

        await().until(() -> taken.ids().size() == 500);

        // A slow machine may need more than one turn, but never one for each.
        assertThat(taken.frames.size()).isLessThan(20);
        assertThat(taken.ids()).isEqualTo(LongStream.rangeClosed(1, 500).boxed().toList());
    }

    @Test
    void aCallThatIsNotPatientTakesThemAlongInTheOrderOfOffering() {
        FrameSender unhurried = sender(taken, new NeverTimer(), 1 << 20, System::nanoTime);
        unhurried.offer(Call.newBuilder().setId(1).setPatient(true).build());
        unhurried.offer(Call.newBuilder().setId(2).setPatient(true).build());
        assertThat(taken.frames).isEmpty();

        unhurried.offer(Call.newBuilder().setId(3).build());

        assertThat(taken.ids()).containsExactly(1L, 2L, 3L);
        assertThat(taken.frames).hasSize(1);
    }

    @Test
    void whatAThreadSendsInAGatheringLeavesInOneFrameWhenThatEnds() {
        Gathering.run(() -> {
            Gathering.run(() -> offer(1, false));
            offer(2, false);
            assertThat(taken.frames).isEmpty();
        });
        assertThat(taken.ids()).containsExactly(1L, 2L);
        assertThat(taken.frames).hasSize(1);

        offer(3, false);

        await().until(() -> taken.ids().equals(List.of(1L, 2L, 3L)));
    }

    @Test
    void aBusyStreamGathersAndAnIdleOneDoesNotWait() {
        long calls = 20_000;
        offer(1, false);
        assertThat(taken.ids()).as("at once").containsExactly(1L);
        long begunNanos = System.nanoTime();
        for (long id = 2; id <= calls; id++) {
            assertThat(offer(id, false)).isTrue();
        }
        await().until(() -> taken.ids().size() == calls);
        long pauses = (System.nanoTime() - begunNanos) / FrameSender.PAUSE_NANOS + 1;

        assertThat(taken.ids())
                .isEqualTo(LongStream.rangeClosed(1, calls).boxed().toList());
        // One for each pause, and one for each thousand calls or MiB.
        assertThat((long) taken.frames.size()).isLessThanOrEqualTo(1 + pauses + calls / 1_000);
    }

    @Test
    void whatComesWhileAFrameIsBeingSentWaitsForThePauseToo() {
        FrameSender[] sending = new FrameSender[1];
        TakenFrames stream = new TakenFrames() {
            @Override
            public void onNext(Envelope frame) {
                super.onNext(frame);
                sending[0].offer(Call.newBuilder().setId(ids().size() + 1).build());
            }
        };
        sending[0] = sender(stream, new NeverTimer(), 1 << 20, () -> 0);

        sending[0].offer(Call.newBuilder().setId(1).build());

        assertThat(stream.ids()).containsExactly(1L);
    }

    @Test
    void theNextPatientCallAfterAFrameIsSentToo() {
        for (long id = 1; id <= 3; id++) {
            long now = id;
            offer(id, true);
            await().until(() -> taken.ids().contains(now));
        }
    }

    @Test
    void patientCallsCountIntoTheBound() {
        FrameSender small = sender(taken, new NeverTimer(), 100, System::nanoTime);

        int offered = 0;
        while (offered < 1_000
                && small.offer(Call.newBuilder().setId(offered).setPatient(true).build())) {
            offered++;
        }

        assertThat(offered).isLessThan(10);
    }

    /** Its tasks never come. */
    private static final class NeverTimer extends java.util.concurrent.ScheduledThreadPoolExecutor {

        NeverTimer() {
            super(0);
        }

        @Override
        public java.util.concurrent.ScheduledFuture<?> schedule(
                Runnable command, long delay, java.util.concurrent.TimeUnit unit) {
            return super.schedule(() -> {}, 1, java.util.concurrent.TimeUnit.DAYS);
        }
    }

    private static class TakenFrames extends CallStreamObserver<Envelope> {

        final List<Envelope> frames = new CopyOnWriteArrayList<>();

        List<Long> ids() {
            return frames.stream()
                    .flatMap(frame -> frame.getCallsList().stream())
                    .map(Call::getId)
                    .toList();
        }

        @Override
        public boolean isReady() {
            return true;
        }

        @Override
        public void onNext(Envelope frame) {
            frames.add(frame);
        }

        @Override
        public void setOnReadyHandler(Runnable handler) {}

        @Override
        public void disableAutoInboundFlowControl() {}

        @Override
        public void request(int count) {}

        @Override
        public void setMessageCompression(boolean enable) {}

        @Override
        public void onError(Throwable cause) {}

        @Override
        public void onCompleted() {}
    }
}
