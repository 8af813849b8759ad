package io.rutile.pd.rpc;

import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.pd.cluster.LocalCluster;
import io.rutile.pd.http.HttpOptions;
import io.rutile.pd.http.PdApi;
import io.rutile.pd.leader.Clocks;
import io.rutile.pd.leader.LeaderOptions;
import io.rutile.pd.leader.LeaderTerm;
import io.rutile.pd.leader.Leadership;
import io.rutile.pd.meta.LocalMeta;
import io.rutile.pd.meta.PdMember;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.RegionEpoch;
import io.rutile.protocol.metapb.Store;
import io.rutile.protocol.pdpb.BootstrapRequest;
import io.rutile.protocol.pdpb.Member;
import io.rutile.protocol.pdpb.PDGrpc;
import io.rutile.protocol.pdpb.PutStoreRequest;
import io.rutile.protocol.pdpb.RequestHeader;
import io.rutile.tls.TransportSecurity;
import io.rutile.trace.Tracing;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/** One member with a real client port and everything behind it but Raft, whose place a local log takes. */
public final class LocalPd implements AutoCloseable {

    public static final Duration PATIENCE = Duration.ofSeconds(10);

    public final LocalMeta meta;
    public final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    /** Why it was told that it is no member any more. */
    public final BlockingQueue<String> putOut = new LinkedBlockingQueue<>();

    private final PdApi api;
    private final Leadership leadership;
    private final PdDoor door;
    private final ManagedChannel channel;

    LocalPd(Path directory, DoorOptions options) {
        this(LocalMeta.in(directory), options);
    }

    LocalPd(LocalMeta meta, DoorOptions options) {
        this(meta, options, LeaderOptions.DEFAULTS, Clocks.system());
    }

    LocalPd(LocalMeta meta, DoorOptions options, LeaderOptions leader, Clocks clocks) {
        this(meta, options, leader, clocks, HttpOptions.DEFAULTS);
    }

    public LocalPd(LocalMeta meta, DoorOptions options, LeaderOptions leader, Clocks clocks, HttpOptions http) {
        this(meta, options, leader, clocks, http, Tracing.OFF);
    }

    LocalPd(
            LocalMeta meta,
            DoorOptions options,
            LeaderOptions leader,
            Clocks clocks,
            HttpOptions http,
            Tracing tracing) {
        this.meta = meta;
        leadership = new Leadership(leader, clocks, metrics);
        PdMember member = meta.member(this::self);
        api = new PdApi(http, TransportSecurity.PLAINTEXT, member, leadership, meta.store(), metrics);
        door = new PdDoor(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                options,
                TransportSecurity.PLAINTEXT,
                member,
                leadership,
                meta.store(),
                api.entrance(),
                putOut::add,
                tracing,
                metrics);
        try {
            door.start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        leadership.begin(meta.store(), member);
        channel = NettyChannelBuilder.forAddress("127.0.0.1", port())
                .usePlaintext()
                .build();
        Awaitility.await().atMost(PATIENCE).until(() -> leadership.current().isPresent());
    }

    /** Bootstrapped on store 1 with Region 2, whose peer is 3. */
    public LocalPd bootstrapped() {
        stub().bootstrap(BootstrapRequest.newBuilder()
                .setHeader(header())
                .setStore(LocalCluster.store(1))
                .setRegion(firstRegion())
                .build());
        return this;
    }

    public static Region firstRegion() {
        return Region.newBuilder()
                .setId(2)
                .setRegionEpoch(RegionEpoch.newBuilder().setConfVer(1).setVersion(1))
                .addPeers(Peer.newBuilder().setId(3).setStoreId(1))
                .build();
    }

    public LocalPd put(Store... stores) {
        for (Store store : stores) {
            stub().putStore(PutStoreRequest.newBuilder()
                    .setHeader(header())
                    .setStore(store)
                    .build());
        }
        return this;
    }

    /** Another member leads; this one has noticed. */
    public void follow(long leader) {
        meta.log().follow(leader);
        leadership.onLeaderStop();
        Awaitility.await().atMost(PATIENCE).until(() -> leadership.current().isEmpty());
    }

    public LeaderTerm term() {
        return leadership.current().orElseThrow();
    }

    public int port() {
        return door.listenAddress().getPort();
    }

    public String url() {
        return "http://127.0.0.1:" + port();
    }

    private Member self() {
        return Member.newBuilder()
                .setName("pd-1")
                .setMemberId(1)
                .addPeerUrls("http://127.0.0.1:1")
                .addClientUrls(url())
                .build();
    }

    ManagedChannel channel() {
        return channel;
    }

    public PDGrpc.PDBlockingStub stub() {
        return PDGrpc.newBlockingStub(channel).withDeadlineAfter(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    }

    PDGrpc.PDStub asyncStub() {
        return PDGrpc.newStub(channel);
    }

    public RequestHeader header() {
        return RequestHeader.newBuilder().setClusterId(meta.state().clusterId()).build();
    }

    RequestHeader wrongHeader() {
        return RequestHeader.newBuilder().setClusterId(42).build();
    }

    @Override
    public void close() {
        channel.shutdownNow();
        leadership.close();
        door.close();
        api.close();
    }

    /** Keeps what a stream answers, in order. */
    static final class Answers<A> implements StreamObserver<A> {
        private final BlockingQueue<A> answers = new LinkedBlockingQueue<>();
        private final CompletableFuture<@Nullable Throwable> end = new CompletableFuture<>();

        @Override
        public void onNext(A answer) {
            answers.add(answer);
        }

        @Override
        public void onError(Throwable failure) {
            end.complete(failure);
        }

        @Override
        public void onCompleted() {
            end.complete(null);
        }

        A next() {
            try {
                A answer = answers.poll(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
                if (answer == null) {
                    throw new AssertionError(
                            "no answer; the stream " + (end.isDone() ? "ended: " + end.join() : "is open"));
                }
                return answer;
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }

        /** Null if it ended well. */
        @Nullable Throwable end() {
            return end.orTimeout(PATIENCE.toMillis(), TimeUnit.MILLISECONDS).join();
        }

        boolean isOpen() {
            return !end.isDone();
        }

        int unread() {
            return answers.size();
        }
    }
}
