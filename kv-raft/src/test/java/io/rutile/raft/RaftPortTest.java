package io.rutile.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.StreamObserver;
import io.rutile.raft.TestStores.Store;
import io.rutile.raft.wire.Call;
import io.rutile.raft.wire.CoalescedHeartbeat;
import io.rutile.raft.wire.Envelope;
import io.rutile.raft.wire.HeartbeatRequest;
import io.rutile.raft.wire.Hello;
import io.rutile.raft.wire.ImageRequest;
import io.rutile.raft.wire.RaftTransportGrpc;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a stranger may say on the Raft port (E1, E2). */
class RaftPortTest {

    private static final long GROUP = 42;
    private static final long SEED = Long.getLong("seed", System.nanoTime());

    @TempDir
    Path dir;

    private static Hello.Builder hello() {
        return Hello.newBuilder()
                .setClusterId(TestStores.CLUSTER)
                .setFromStore(9)
                .setToStore(1)
                .setProtocol(1);
    }

    /** Opens a stream, says that, and returns how the stream ends. */
    private static Status end(Store store, Envelope... frames) {
        ManagedChannel channel = NettyChannelBuilder.forAddress(store.server.listenAddress())
                .usePlaintext()
                .build();
        try {
            CompletableFuture<Status> end = new CompletableFuture<>();
            StreamObserver<Envelope> stream = RaftTransportGrpc.newStub(channel).exchange(new StreamObserver<>() {
                @Override
                public void onNext(Envelope frame) {}

                @Override
                public void onError(Throwable cause) {
                    end.complete(Status.fromThrowable(cause));
                }

                @Override
                public void onCompleted() {
                    end.complete(Status.OK);
                }
            });
            for (Envelope frame : frames) {
                stream.onNext(frame);
            }
            stream.onCompleted();
            return TestStores.get(end);
        } finally {
            channel.shutdownNow();
        }
    }

    @Test
    void e2_handshakeOfAnotherClusterStoreOrProtocolIsRefused() {
        try (TestStores stores = new TestStores(dir)) {
            Store one = stores.open(1);

            for (Hello.Builder bad : new Hello.Builder[] {
                hello().setClusterId(8),
                hello().setToStore(2),
                hello().setFromStore(1),
                hello().setProtocol(99),
                Hello.newBuilder()
            }) {
                Status status = end(one, Envelope.newBuilder().setHello(bad).build());
                assertThat(status.getCode()).isEqualTo(Status.Code.FAILED_PRECONDITION);
            }
            assertThat(end(one, Envelope.newBuilder().setHello(hello()).build()))
                    .isEqualTo(Status.OK);
            assertThat(one.meters
                            .get("kv.raft.transport.handshakes.refused")
                            .counter()
                            .count())
                    .isEqualTo(5);
        }
    }

    @Test
    void heartbeatNeedsTheHandshakeAndSense() {
        try (TestStores stores = new TestStores(dir)) {
            Store one = stores.open(1);
            ManagedChannel channel = NettyChannelBuilder.forAddress(one.server.listenAddress())
                    .usePlaintext()
                    .build();
            try {
                var stub = RaftTransportGrpc.newBlockingStub(channel);
                HeartbeatRequest.Builder request = HeartbeatRequest.newBuilder()
                        .setHeartbeat(CoalescedHeartbeat.newBuilder()
                                .addGroups(GROUP)
                                .addFromPeers(7)
                                .addToPeers(101)
                                .addTerms(3));
                assertThatThrownBy(() -> stub.hear(
                                request.setHello(hello().setClusterId(8)).build()))
                        .hasMessageContaining("FAILED_PRECONDITION")
                        .hasMessageContaining("cluster");
                request.setHello(hello());
                assertThat(stub.hear(request.build()).getRefusedList())
                        .as("no such replica here")
                        .containsExactly(0);
                request.getHeartbeatBuilder().addGroups(GROUP + 1);
                assertThatThrownBy(() -> stub.hear(request.build()))
                        .hasMessageContaining("INVALID_ARGUMENT")
                        .hasMessageContaining("different lengths");
                assertThat(one.meters
                                .get("kv.raft.transport.messages.bad")
                                .counter()
                                .count())
                        .isEqualTo(1);
            } finally {
                channel.shutdownNow();
            }
        }
    }

    @Test
    void imageNeedsTheHandshakeAndAnOffer() {
        try (TestStores stores = new TestStores(dir)) {
            Store one = stores.open(1);
            ManagedChannel channel = NettyChannelBuilder.forAddress(one.server.listenAddress())
                    .usePlaintext()
                    .build();
            try {
                var stub = RaftTransportGrpc.newBlockingStub(channel);
                assertThatThrownBy(() -> stub.fetchImage(ImageRequest.newBuilder()
                                        .setHello(hello().setClusterId(8))
                                        .build())
                                .hasNext())
                        .hasMessageContaining("FAILED_PRECONDITION");
                assertThatThrownBy(() -> stub.fetchImage(ImageRequest.newBuilder()
                                        .setHello(hello())
                                        .setGroup(GROUP)
                                        .setToken("../../etc/passwd")
                                        .build())
                                .hasNext())
                        .hasMessageContaining("NOT_FOUND");
            } finally {
                channel.shutdownNow();
            }
        }
    }

    @Test
    void e1_garbageOnThePortHurtsNobody() throws IOException {
        Random random = new Random(SEED);
        try (TestStores stores = new TestStores(dir)) {
            Store one = stores.open(1);
            stores.startEverywhere(GROUP, TestStores.members(1));
            stores.awaitLeader(GROUP);
            for (int i = 0; i < 50; i++) {
                byte[] noise = new byte[1 + random.nextInt(20_000)];
                random.nextBytes(noise);
                try (Socket socket = new Socket()) {
                    socket.connect(one.server.listenAddress());
                    OutputStream out = socket.getOutputStream();
                    if (i % 2 == 0) {
                        out.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                                .getBytes(java.nio.charset.StandardCharsets.US_ASCII));
                    }
                    out.write(noise);
                    out.flush();
                } catch (java.net.SocketException closedByTheServer) {
                    // As it should be.
                }
            }
            for (int i = 0; i < 50; i++) {
                byte[] noise = new byte[random.nextInt(2_000)];
                random.nextBytes(noise);
                end(
                        one,
                        Envelope.newBuilder()
                                .setHello(hello())
                                .addCalls(Call.newBuilder()
                                        .setId(random.nextLong())
                                        .setGroup(random.nextBoolean() ? GROUP : random.nextLong())
                                        .setType(random.nextBoolean() ? appendEntriesType() : random.nextInt())
                                        .setBody(ByteString.copyFrom(noise)))
                                .build());
            }

            assertThat(TestStores.propose(one.group(GROUP), "alive"))
                    .as("seed %d", SEED)
                    .isEqualTo(1);
            assertThat(one.group(GROUP).isLeader()).isTrue();
            await().until(() ->
                    one.meters.get("kv.raft.transport.messages.bad").counter().count() > 0);
        }
    }

    private static int appendEntriesType() {
        return type(com.alipay.sofa.jraft.rpc.RpcRequests.AppendEntriesRequest.getDescriptor());
    }

    private static int type(com.google.protobuf.Descriptors.Descriptor message) {
        java.util.zip.CRC32 crc = new java.util.zip.CRC32();
        crc.update(message.getFullName().getBytes(java.nio.charset.StandardCharsets.UTF_8));
        return (int) crc.getValue();
    }

    @Test
    void r5_olderIncarnationsMessagesNeverReachANewerOne() {
        try (TestStores stores = new TestStores(dir)) {
            Store one = stores.open(1);
            stores.startEverywhere(GROUP, TestStores.members(1));
            stores.awaitLeader(GROUP);
            long term = one.group(GROUP).term();
            java.util.Queue<Replica> asked = new java.util.concurrent.ConcurrentLinkedQueue<>();
            one.unknown = (group, self, from) -> asked.add(self);

            for (long peer : new long[] {100, 101, 102}) {
                var heartbeat = com.alipay.sofa.jraft.rpc.RpcRequests.AppendEntriesRequest.newBuilder()
                        .setGroupId("g42")
                        .setServerId("store9:1:109")
                        .setPeerId("store1:1:" + peer)
                        .setTerm(peer == 101 ? term - 1 : term + 100)
                        .setPrevLogIndex(0)
                        .setPrevLogTerm(0)
                        .setCommittedIndex(0)
                        .build();
                end(
                        one,
                        Envelope.newBuilder()
                                .setHello(hello())
                                .addCalls(Call.newBuilder()
                                        .setId(1)
                                        .setGroup(GROUP)
                                        .setType(appendEntriesType())
                                        .setBody(heartbeat.toByteString()))
                                .build());
            }

            await().until(() -> asked.contains(new Replica(1, 102)));
            assertThat(asked).containsOnly(new Replica(1, 102));
            assertThat(one.group(GROUP).term()).isEqualTo(term);
            assertThat(one.group(GROUP).isLeader()).isTrue();
        }
    }

    /** A candidate that no membership names may ask; a leader that is alive is safe from it, however long its log is. */
    @Test
    void r7_aStrangerDisturbsNoLivingLeader() {
        try (TestStores stores = new TestStores(dir)) {
            for (long id = 1; id <= 2; id++) {
                stores.open(id);
            }
            stores.startEverywhere(GROUP, TestStores.members(1, 2));
            Store leader = stores.awaitLeader(GROUP);
            Store follower = stores.store(3 - leader.id);
            TestStores.propose(leader.group(GROUP), "a");
            long term = leader.group(GROUP).term();

            double before = withheld(follower);

            for (Store store : new Store[] {follower, leader}) {
                for (boolean preVote : new boolean[] {true, false}) {
                    var asks = com.alipay.sofa.jraft.rpc.RpcRequests.RequestVoteRequest.newBuilder()
                            .setGroupId("g42")
                            .setServerId("store9:1:109")
                            .setPeerId("store" + store.id + ":1:" + (100 + store.id))
                            .setTerm(term + 1)
                            .setLastLogTerm(term + 1)
                            .setLastLogIndex(1_000_000)
                            .setPreVote(preVote || store == leader)
                            .build();
                    Call answer = answer(
                            store,
                            Call.newBuilder()
                                    .setId(1)
                                    .setGroup(GROUP)
                                    .setType(type(asks.getDescriptorForType()))
                                    .setBody(asks.toByteString())
                                    .build());
                    assertThat(voteGranted(answer)).isFalse();
                }
            }

            assertThat(withheld(follower)).isGreaterThanOrEqualTo(before + 2);
            assertThat(leader.group(GROUP).term()).isEqualTo(term);
            assertThat(TestStores.propose(leader.group(GROUP), "a")).isEqualTo(2);
        }
    }

    private static double withheld(Store store) {
        return store.meters.get("kv.raft.votes.withheld").counter().count();
    }

    private static boolean voteGranted(Call answer) {
        try {
            return com.alipay.sofa.jraft.rpc.RpcRequests.RequestVoteResponse.parseFrom(answer.getBody())
                    .getGranted();
        } catch (com.google.protobuf.InvalidProtocolBufferException e) {
            throw new AssertionError(e);
        }
    }

    /** What the store says to one call of store 9. */
    private static Call answer(Store store, Call call) {
        ManagedChannel channel = NettyChannelBuilder.forAddress(store.server.listenAddress())
                .usePlaintext()
                .build();
        try {
            CompletableFuture<Call> answer = new CompletableFuture<>();
            StreamObserver<Envelope> stream = RaftTransportGrpc.newStub(channel).exchange(new StreamObserver<>() {
                @Override
                public void onNext(Envelope frame) {
                    frame.getCallsList().forEach(answer::complete);
                }

                @Override
                public void onError(Throwable cause) {
                    answer.completeExceptionally(cause);
                }

                @Override
                public void onCompleted() {}
            });
            stream.onNext(Envelope.newBuilder()
                    .setHello(hello().setToStore(store.id))
                    .addCalls(call)
                    .build());
            return TestStores.get(answer);
        } finally {
            channel.shutdownNow();
        }
    }

    @Test
    void nobodySpeaksInTheNameOfAnotherStore() {
        try (TestStores stores = new TestStores(dir)) {
            Store one = stores.open(1);
            stores.startEverywhere(GROUP, TestStores.members(1));
            stores.awaitLeader(GROUP);
            long term = one.group(GROUP).term();

            var forged = com.alipay.sofa.jraft.rpc.RpcRequests.AppendEntriesRequest.newBuilder()
                    .setGroupId("g42")
                    .setServerId("store2:1:102")
                    .setPeerId("store1:1:101")
                    .setTerm(term + 100)
                    .setPrevLogIndex(0)
                    .setPrevLogTerm(0)
                    .setCommittedIndex(0)
                    .build();
            end(
                    one,
                    Envelope.newBuilder()
                            .setHello(hello())
                            .addCalls(Call.newBuilder()
                                    .setId(1)
                                    .setGroup(GROUP)
                                    .setType(appendEntriesType())
                                    .setBody(forged.toByteString()))
                            .build());

            await().until(() ->
                    one.meters.get("kv.raft.transport.messages.bad").counter().count() == 1);
            assertThat(one.group(GROUP).term()).isEqualTo(term);
        }
    }

    @Test
    void portInUseAndForeignDataAreOneClearSentence() throws IOException {
        try (TestStores stores = new TestStores(dir);
                ServerSocket taken = new ServerSocket(0, 1, java.net.InetAddress.getLoopbackAddress())) {
            Store one = stores.open(1);
            one.stop();
            RaftOptions options = RaftOptions.of(
                    TestStores.CLUSTER, 2, dir.resolve("other"), (InetSocketAddress) taken.getLocalSocketAddress());
            assertThatThrownBy(() -> startAndClose(options))
                    .isInstanceOf(RaftException.class)
                    .hasMessageContaining("raft port");
            RaftOptions foreign = RaftOptions.of(
                    TestStores.CLUSTER + 1,
                    1,
                    dir.resolve("store1"),
                    new InetSocketAddress(java.net.InetAddress.getLoopbackAddress(), 0));
            assertThatThrownBy(() -> startAndClose(foreign))
                    .isInstanceOf(RaftException.class)
                    .hasMessageContaining("belongs to store 1 of cluster 7");
        }
    }

    private static void startAndClose(RaftOptions options) {
        try (RaftServer server = new RaftServer(options, store -> null, (group, self, from) -> {})) {
            server.start();
        }
    }

    @Test
    void e2_boltAndHessianAreNotOnTheClassPath() {
        for (String name : new String[] {
            "com.alipay.remoting.rpc.RpcServer",
            "com.caucho.hessian.io.Hessian2Input",
            "com.alipay.hessian.ClassNameResolver"
        }) {
            assertThatThrownBy(() -> Class.forName(name)).isInstanceOf(ClassNotFoundException.class);
        }
    }

    @Test
    void storeMayChangeItsAddress() throws Exception {
        try (TestStores stores = new TestStores(dir)) {
            for (long id = 1; id <= 3; id++) {
                stores.open(id);
            }
            stores.startEverywhere(GROUP, TestStores.members(1, 2, 3));
            Store leader = stores.awaitLeader(GROUP);
            Store moved = stores.store(leader.id % 3 + 1);
            InetSocketAddress before = moved.server.listenAddress();
            moved.stop();
            // Somebody else has the address now: a port that accepts and says nothing.
            try (ServerSocket squatter = new ServerSocket()) {
                squatter.setReuseAddress(true);
                squatter.bind(before);
                moved.reopen();
                moved.start(GROUP, new Replica(moved.id, 100 + moved.id), TestStores.BEGIN);
                TestStores.propose(leader.group(GROUP), "a");
                await().atMost(TestStores.PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
                        .until(() -> moved.machine(GROUP).count("a") == 1);
            }
        }
    }
}
