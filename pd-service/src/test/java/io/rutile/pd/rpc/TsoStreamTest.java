package io.rutile.pd.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.CallOptions;
import io.grpc.Status;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import io.rutile.pd.rpc.LocalPd.Answers;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.pdpb.PDGrpc;
import io.rutile.protocol.pdpb.TsoRequest;
import io.rutile.protocol.pdpb.TsoResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TsoStreamTest {

    @TempDir
    Path directory;

    private LocalPd pd;

    @BeforeEach
    void start() {
        pd = new LocalPd(directory, DoorOptions.DEFAULTS);
    }

    @AfterEach
    void stop() {
        pd.close();
    }

    @Test
    void d12EightStreamsGetStrictlyIncreasingRangesT1() {
        int streams = 8;
        int requests = 1_000;
        int count = 10;
        List<CompletableFuture<List<TsoResponse>>> running = new ArrayList<>();
        for (int s = 0; s < streams; s++) {
            running.add(CompletableFuture.supplyAsync(() -> {
                Answers<TsoResponse> answers = new Answers<>();
                StreamObserver<TsoRequest> stream = pd.asyncStub().tso(answers);
                for (int i = 0; i < requests; i++) {
                    stream.onNext(request(count));
                }
                List<TsoResponse> got = new ArrayList<>();
                for (int i = 0; i < requests; i++) {
                    got.add(answers.next());
                }
                stream.onCompleted();
                assertThat(answers.end()).isNull();
                return got;
            }));
        }

        List<long[]> ranges = new ArrayList<>();
        for (CompletableFuture<List<TsoResponse>> one : running) {
            long before = 0;
            for (TsoResponse answer : one.join()) {
                assertThat(answer.getCount()).isEqualTo(count);
                long last = last(answer);
                assertThat(last - count).as("in the order of the requests").isGreaterThanOrEqualTo(before);
                ranges.add(new long[] {last - count + 1, last});
                before = last;
            }
        }
        ranges.sort(Comparator.comparingLong(range -> range[0]));
        for (int i = 1; i < ranges.size(); i++) {
            assertThat(ranges.get(i)[0]).isGreaterThan(ranges.get(i - 1)[1]);
        }
        assertThat(pd.metrics.counter("kv.pd.tso.timestamps").count()).isEqualTo((double) streams * requests * count);
    }

    @Test
    void d14UnaryCallWithHalfCloseGetsOneAnswerThenOk() {
        // As client-java does: a bidirectional method, called as if it were unary.
        TsoResponse answer = unary(request(1));

        assertThat(answer.getCount()).isEqualTo(1);
        assertThat(answer.getTimestamp().getPhysical()).isPositive();
    }

    @Test
    void d14HalfCloseWaitsForTheAnswerThatWaitsForTheWindow() {
        pd.meta.log().hold();
        // A million timestamps are more than one window of milliseconds may hold only if time stands still; so ask
        // until it waits.
        Answers<TsoResponse> answers = new Answers<>();
        StreamObserver<TsoRequest> stream = pd.asyncStub().tso(answers);
        int requests = 4_000;
        for (int i = 0; i < requests; i++) {
            stream.onNext(request((int) TimeStamp.LOGICAL_COUNT));
        }
        stream.onCompleted();
        Awaitility.await().atMost(LocalPd.PATIENCE).until(() -> pd.meta.log().heldProposals() > 0);
        assertThat(answers.isOpen()).isTrue();

        pd.meta.log().release();

        for (int i = 0; i < requests; i++) {
            answers.next();
        }
        assertThat(answers.end()).isNull();
        assertThat(answers.unread()).isZero();
    }

    @Test
    void countIsEchoedAndLogicalIsTheLastOfTheBatch() {
        TsoResponse answer = unary(request(500));

        assertThat(answer.getCount()).isEqualTo(500);
        assertThat(answer.getTimestamp().getLogical()).isGreaterThanOrEqualTo(499);
    }

    @Test
    void countThatCannotBeServedEndsTheStream() {
        for (int count : new int[] {0, -1, (int) TimeStamp.LOGICAL_COUNT + 1}) {
            Answers<TsoResponse> answers = new Answers<>();
            pd.asyncStub().tso(answers).onNext(request(count));

            assertThat(Status.fromThrowable(answers.end()).getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
        }
    }

    @Test
    void streamEndsWhenLeadershipDoesT1() {
        Answers<TsoResponse> answers = new Answers<>();
        StreamObserver<TsoRequest> stream = pd.asyncStub().tso(answers);
        stream.onNext(request(1));
        answers.next();

        pd.meta.log().follow(2);
        stream.onNext(request(1));

        assertThat(Status.fromThrowable(answers.end()).getCode()).isEqualTo(Status.Code.UNAVAILABLE);
    }

    @Test
    void timeGoesOnOverALeaderChangeD13T1() {
        long before = last(unary(request(1)));
        pd.follow(2);

        pd.meta.log().elect();
        Awaitility.await().atMost(LocalPd.PATIENCE).until(() -> {
            Answers<TsoResponse> answers = new Answers<>();
            StreamObserver<TsoRequest> stream = pd.asyncStub().tso(answers);
            stream.onNext(request(1));
            stream.onCompleted();
            return answers.end() == null && last(answers.next()) > before;
        });
    }

    private TsoResponse unary(TsoRequest request) {
        return ClientCalls.blockingUnaryCall(
                pd.channel(),
                PDGrpc.getTsoMethod(),
                CallOptions.DEFAULT.withDeadlineAfter(LocalPd.PATIENCE.toMillis(), TimeUnit.MILLISECONDS),
                request);
    }

    private TsoRequest request(int count) {
        return TsoRequest.newBuilder().setHeader(pd.header()).setCount(count).build();
    }

    private static long last(TsoResponse answer) {
        return answer.getTimestamp().getPhysical() << TimeStamp.LOGICAL_BITS
                | answer.getTimestamp().getLogical();
    }
}
