package io.rutile.node.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.grpc.BindableService;
import io.grpc.ManagedChannel;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.cdcpb.ChangeDataGrpc;
import io.rutile.protocol.deadlock.DeadlockGrpc;
import io.rutile.protocol.kvrpcpb.LeaderInfo;
import io.rutile.protocol.tikvpb.BatchCommandsEmptyRequest;
import io.rutile.protocol.tikvpb.BatchCommandsRequest;
import io.rutile.protocol.tikvpb.BatchCommandsResponse;
import io.rutile.protocol.tikvpb.TikvGrpc;
import io.rutile.storage.Storage;
import io.rutile.storage.StorageOptions;
import io.rutile.storage.command.ApiVersion;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.KvSnapshot;
import io.rutile.storage.engine.ReplicatedKv;
import io.rutile.storage.engine.WriteBatch;
import io.rutile.tls.TransportSecurity;
import io.rutile.trace.Tracing;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** R10, E1: connections are bounded, and those that say nothing are closed. */
class ConnectionCapsTest {

    private static final SafeTimestamps NOTHING_SETTLED = new SafeTimestamps() {
        @Override
        public long over(KeyRange range) {
            return 0;
        }

        @Override
        public List<Long> heard(List<LeaderInfo> leaders) {
            return List.of();
        }
    };

    private static final ReplicatedKv NOTHING = new ReplicatedKv() {
        @Override
        public CompletableFuture<KvSnapshot> snapshot(KvContext ctx) {
            return new CompletableFuture<>();
        }

        @Override
        public CompletableFuture<Void> write(KvContext ctx, WriteBatch batch) {
            return new CompletableFuture<>();
        }
    };

    private static final BindableService NO_DEADLOCKS = new DeadlockGrpc.DeadlockImplBase() {};
    private static final BindableService NO_CHANGES = new ChangeDataGrpc.ChangeDataImplBase() {};

    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();

    private RpcServer server(int connections, Duration handshake) throws IOException {
        RpcOptions options = new RpcOptions(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                2,
                Duration.ofSeconds(1),
                Duration.ofSeconds(1),
                connections,
                connections,
                handshake,
                Duration.ZERO);
        Storage storage = new Storage(NOTHING, StorageOptions.of(ApiVersion.V1), Clock.systemUTC(), metrics);
        RpcServer server = new RpcServer(
                options,
                TransportSecurity.PLAINTEXT,
                1,
                1,
                storage,
                ApiVersion.V1,
                host -> false,
                host -> false,
                (ctx, borders) -> new CompletableFuture<>(),
                NOTHING_SETTLED,
                NO_DEADLOCKS,
                NO_CHANGES,
                (ctx, request) -> new CompletableFuture<>(),
                Runnable::run,
                Tracing.OFF,
                metrics);
        server.start();
        return server;
    }

    /** Clients never end such a stream: a port that waited for them would cut them off, answered or not. */
    @Test
    void aStreamOfCommandsThatIsOpenWhenThePortClosesIsAnsweredAndEnded() throws Exception {
        RpcServer server = server(5, Duration.ofMinutes(1));
        server.serving(true);
        ManagedChannel channel =
                NettyChannelBuilder.forAddress(server.address()).usePlaintext().build();
        List<Long> answered = new CopyOnWriteArrayList<>();
        CompletableFuture<Void> ended = new CompletableFuture<>();
        try {
            StreamObserver<BatchCommandsRequest> stream = TikvGrpc.newStub(channel)
                    .batchCommands(new StreamObserver<>() {
                        @Override
                        public void onNext(BatchCommandsResponse frame) {
                            answered.addAll(frame.getRequestIdsList());
                        }

                        @Override
                        public void onError(Throwable failure) {
                            ended.completeExceptionally(failure);
                        }

                        @Override
                        public void onCompleted() {
                            ended.complete(null);
                        }
                    });
            stream.onNext(frame(1, 0));
            await().until(() -> answered.contains(1L));
            stream.onNext(frame(2, 0));
            stream.onNext(frame(3, 300));
            await().until(() -> answered.contains(2L));
            assertThat(answered).as("one is under way").doesNotContain(3L);

            server.close();

            ended.get(10, TimeUnit.SECONDS);
            assertThat(answered).containsExactly(1L, 2L, 3L);
        } finally {
            channel.shutdownNow();
        }
    }

    private static BatchCommandsRequest frame(long id, long delayMs) {
        return BatchCommandsRequest.newBuilder()
                .addRequestIds(id)
                .addRequests(BatchCommandsRequest.Request.newBuilder()
                        .setEmpty(BatchCommandsEmptyRequest.newBuilder().setDelayTime(delayMs)))
                .build();
    }

    @Test
    void whatComesOnTopIsClosedAndRoomIsGivenBack() throws Exception {
        try (RpcServer server = server(5, Duration.ofMinutes(1))) {
            server.serving(true);
            List<Socket> silent = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                silent.add(connect(server));
            }
            await().until(() -> metrics.get("kv.rpc.connections").gauge().value() == 5);

            try (Socket sixth = connect(server)) {
                assertThat(isClosedByTheOtherSide(sixth)).isTrue();
            }
            assertThat(metrics.get("kv.rpc.connection.refusals").counter().count())
                    .isEqualTo(1);

            for (Socket socket : silent) {
                socket.close();
            }
            await().until(() -> metrics.get("kv.rpc.connections").gauge().value() == 0);
            var channel = NettyChannelBuilder.forAddress(server.address())
                    .usePlaintext()
                    .build();
            assertThat(HealthGrpc.newBlockingStub(channel)
                            .check(HealthCheckRequest.getDefaultInstance())
                            .getStatus())
                    .isEqualTo(ServingStatus.SERVING);
            channel.shutdownNow();
        }
    }

    @Test
    void aConnectionThatSaysNothingIsClosedAfterAWhile() throws Exception {
        try (RpcServer server = server(100, Duration.ofMillis(300));
                Socket silent = connect(server)) {
            assertThat(isClosedByTheOtherSide(silent)).isTrue();
        }
    }

    private static Socket connect(RpcServer server) throws IOException {
        Socket socket =
                new Socket(InetAddress.getLoopbackAddress(), server.address().getPort());
        socket.setSoTimeout(20_000);
        return socket;
    }

    private static boolean isClosedByTheOtherSide(Socket socket) {
        try {
            while (socket.getInputStream().read() >= 0) {
                // Its greeting.
            }
            return true;
        } catch (java.net.SocketTimeoutException e) {
            return false;
        } catch (IOException reset) {
            return true;
        }
    }
}
