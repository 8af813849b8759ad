package io.rutile.node.deadlock;

import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.client.rpc.Endpoint;
import io.rutile.protocol.deadlock.WaitForEntry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/** One store's share in deadlock detection with a port of its own; who leads the first Region is the test's word. */
final class TestStore implements AutoCloseable {

    /** Who leads the first Region, as far as PD knows. */
    static final class TestPd {
        private final AtomicReference<Optional<Endpoint>> leader = new AtomicReference<>(Optional.empty());

        void says(TestStore store) {
            leader.set(Optional.of(store.endpoint()));
        }

        void says(Endpoint endpoint) {
            leader.set(Optional.of(endpoint));
        }
    }

    static final int EDGES_MAX = 64;

    final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    final ClusterDeadlocks deadlocks;
    private final AtomicReference<Optional<FirstRegionLead>> lead = new AtomicReference<>(Optional.empty());
    private final Server server;

    TestStore(TestPd pd) throws IOException {
        deadlocks = new ClusterDeadlocks(
                lead::get,
                () -> CompletableFuture.completedFuture(pd.leader.get()),
                InsecureChannelCredentials.create(),
                Duration.ofMinutes(1),
                EDGES_MAX,
                metrics);
        server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .addService(deadlocks.service())
                .build()
                .start();
    }

    Endpoint endpoint() {
        return new Endpoint("127.0.0.1", server.getPort());
    }

    void leads(long term) {
        lead.set(Optional.of(new FirstRegionLead(2, term)));
    }

    void follows() {
        lead.set(Optional.empty());
    }

    ManagedChannel channel() {
        return NettyChannelBuilder.forTarget(endpoint().toString())
                .usePlaintext()
                .build();
    }

    /** Like kill -9. */
    void kill() throws InterruptedException {
        server.shutdownNow();
        server.awaitTermination(5, TimeUnit.SECONDS);
    }

    double count(String name) {
        return metrics.get("kv.deadlock." + name).counter().count();
    }

    static WaitForEntry edge(long txn, long waitsFor, long keyHash) {
        return WaitForEntry.newBuilder()
                .setTxn(txn)
                .setWaitForTxn(waitsFor)
                .setKeyHash(keyHash)
                .build();
    }

    @Override
    public void close() throws InterruptedException {
        deadlocks.close();
        kill();
    }
}
