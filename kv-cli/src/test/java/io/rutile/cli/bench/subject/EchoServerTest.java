package io.rutile.cli.bench.subject;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.stub.StreamObserver;
import io.rutile.client.pd.PdClient;
import io.rutile.client.pd.PdClientOptions;
import io.rutile.client.rpc.Channels;
import io.rutile.client.rpc.Endpoint;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.kvrpcpb.RawGetRequest;
import io.rutile.protocol.kvrpcpb.RawPutRequest;
import io.rutile.protocol.kvrpcpb.RawPutResponse;
import io.rutile.protocol.tikvpb.BatchCommandsRequest;
import io.rutile.protocol.tikvpb.BatchCommandsResponse;
import io.rutile.protocol.tikvpb.TikvGrpc;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class EchoServerTest {

    @Test
    void answersMessagesOfTheRightSize() throws Exception {
        try (EchoServer server = new EchoServer(1_024)) {
            ManagedChannel channel = Channels.open(Endpoint.parse("127.0.0.1:" + server.start()));
            try {
                TikvGrpc.TikvBlockingStub stub =
                        TikvGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);

                assertThat(stub.rawGet(RawGetRequest.newBuilder()
                                        .setKey(ByteString.copyFromUtf8("any"))
                                        .build())
                                .getValue()
                                .size())
                        .isEqualTo(1_024);
                assertThat(stub.rawPut(RawPutRequest.getDefaultInstance()))
                        .isEqualTo(RawPutResponse.getDefaultInstance());
            } finally {
                channel.shutdownNow();
            }
        }
    }

    @Test
    void answersAFrameOfCommandsInAFrame() throws Exception {
        try (EchoServer server = new EchoServer(1_024)) {
            ManagedChannel channel = Channels.open(Endpoint.parse("127.0.0.1:" + server.start()));
            CompletableFuture<BatchCommandsResponse> answer = new CompletableFuture<>();
            try {
                StreamObserver<BatchCommandsRequest> commands = TikvGrpc.newStub(channel)
                        .batchCommands(new StreamObserver<>() {
                            @Override
                            public void onNext(BatchCommandsResponse frame) {
                                answer.complete(frame);
                            }

                            @Override
                            public void onError(Throwable failure) {
                                answer.completeExceptionally(failure);
                            }

                            @Override
                            public void onCompleted() {}
                        });
                commands.onNext(BatchCommandsRequest.newBuilder()
                        .addRequestIds(7)
                        .addRequests(
                                BatchCommandsRequest.Request.newBuilder().setRawGet(RawGetRequest.getDefaultInstance()))
                        .addRequestIds(9)
                        .addRequests(
                                BatchCommandsRequest.Request.newBuilder().setRawPut(RawPutRequest.getDefaultInstance()))
                        .build());

                BatchCommandsResponse frame = answer.get(20, TimeUnit.SECONDS);
                assertThat(frame.getRequestIdsList()).containsExactly(7L, 9L);
                assertThat(frame.getResponses(0).getRawGet().getValue().size()).isEqualTo(1_024);
                assertThat(frame.getResponses(1).hasRawPut()).isTrue();
            } finally {
                channel.shutdownNow();
            }
        }
    }

    /** By the client that PD is measured with, which refuses what is no batch of ascending timestamps. */
    @Test
    void countsAsAnOracleWould() throws Exception {
        try (EchoServer server = new EchoServer(1);
                PdClient pd = PdClient.connect(new PdClientOptions(
                        List.of("127.0.0.1:" + server.start()), Duration.ofSeconds(20), Duration.ofSeconds(20)))) {
            TimeStamp last = TimeStamp.ZERO;
            // More than one millisecond of the protocol holds.
            for (int round = 0; round < 30; round++) {
                List<CompletableFuture<TimeStamp>> asked = new ArrayList<>();
                for (int i = 0; i < 10_000; i++) {
                    asked.add(pd.timestamp());
                }
                for (CompletableFuture<TimeStamp> one : asked) {
                    TimeStamp next = one.get(20, TimeUnit.SECONDS);
                    assertThat(next.compareTo(last)).isPositive();
                    last = next;
                }
            }
            assertThat(last.physicalMs()).isGreaterThan(1);
        }
    }
}
