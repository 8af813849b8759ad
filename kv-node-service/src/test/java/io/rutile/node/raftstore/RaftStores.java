package io.rutile.node.raftstore;

import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.raft.RaftOptions;
import io.rutile.raft.transport.LinkFilter;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.KvSnapshot;
import io.rutile.storage.engine.RocksEngine;
import io.rutile.storage.engine.RocksOptions;
import io.rutile.storage.engine.WriteBatch;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Several stores in one JVM, without PD and without a door, whose disks fail and whose network is cut on command. */
final class RaftStores implements AutoCloseable {

    static final Duration PATIENCE = Duration.ofSeconds(30);
    static final Duration ELECTION_TIMEOUT = Duration.ofMillis(400);

    final List<Node> nodes = new ArrayList<>();
    final Network network = new Network();

    /** How long stores that are started from now on wait for every replica's word on a merge. */
    Duration mergePatience = Duration.ofSeconds(1);

    private final Path dir;
    private final UnaryOperator<RaftOptions> settings;
    private final Map<Long, InetSocketAddress> addresses = new ConcurrentHashMap<>();

    RaftStores(Path dir) {
        this(dir, options -> options);
    }

    RaftStores(Path dir, UnaryOperator<RaftOptions> settings) {
        this.dir = dir;
        this.settings = settings;
    }

    /** Which stores hear each other. */
    static final class Network implements LinkFilter {

        private volatile Set<Long> apart = Set.of();

        @Override
        public boolean passes(long from, long to) {
            return apart.contains(from) == apart.contains(to);
        }

        /** These hear each other and nobody else, and nobody else hears them. */
        void cutOff(Set<Long> stores) {
            apart = Set.copyOf(stores);
        }

        void heal() {
            apart = Set.of();
        }
    }

    /** One store, with an engine that outlives a stop and a start. */
    final class Node {

        final long id;
        final RocksEngine engine;
        final RegionStateStore states;
        final SimpleMeterRegistry metrics = new SimpleMeterRegistry();

        /** What applied batches fail with. */
        volatile @Nullable RuntimeException diskFails;

        private @Nullable RaftStore running;

        Node(long id) {
            this.id = id;
            engine = RocksEngine.open(dir.resolve("db" + id), RocksOptions.withMemory(16 << 20));
            states = new RegionStateStore(engine);
        }

        Node with(RegionState... known) {
            for (RegionState state : known) {
                states.put(state, RaftStore.FIRST_INDEX);
            }
            return this;
        }

        Node start() {
            RaftOptions raft = RaftOptions.of(
                            1, id, dir.resolve("raft" + id), new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                    .withElectionTimeout(ELECTION_TIMEOUT);
            RaftStore store = new RaftStore(
                    new RaftStoreOptions(
                            new StoreIdentity(1, id),
                            settings.apply(raft),
                            dir.resolve("images" + id),
                            1 << 20,
                            SplitOptions.DEFAULT,
                            mergePatience,
                            ConsistencyOptions.DEFAULT,
                            StaleReadOptions.DEFAULT,
                            100),
                    engine,
                    addresses::get,
                    new DiskGuard(new RegionPeerTest.FakeDisk(), 64 << 20, metrics),
                    peer -> {},
                    new NoLocks(),
                    metrics,
                    new StoreFaults(this::failing, network));
            running = store;
            store.start();
            addresses.put(id, store.raftAddress());
            return this;
        }

        private DataDisk failing(DataDisk disk) {
            return (batch, sync) -> {
                RuntimeException failure = diskFails;
                if (failure != null) {
                    throw failure;
                }
                disk.write(batch, sync);
            };
        }

        void stop() {
            if (running != null) {
                running.close();
                running = null;
            }
        }

        RaftStore store() {
            if (running == null) {
                throw new IllegalStateException("store " + id + " is stopped");
            }
            return running;
        }

        RegionPeer peer(Region region) {
            return store().region(region.getId()).orElseThrow();
        }

        boolean leads(Region region) {
            return running != null
                    && running.region(region.getId())
                            .filter(RegionPeer::isLeader)
                            .isPresent();
        }

        RegionState state(Region region) {
            return states.state(region.getId()).orElseThrow();
        }

        @Nullable String value(String key) {
            byte[] found = engine.get(Cf.RAW, key.getBytes(StandardCharsets.UTF_8));
            return found == null ? null : new String(found, StandardCharsets.UTF_8);
        }

        void plant(String key, String value) {
            engine.write(new WriteBatch().put(Cf.RAW, key(key), value.getBytes(StandardCharsets.UTF_8)), true);
        }

        /** As a client would that takes this store's replica for the leader. */
        CompletableFuture<Void> put(Region region, String key, String value) {
            return store().kv().write(context(region), batch(key, value));
        }

        /** The same, for a read: completes if this replica serves it. */
        CompletableFuture<Void> read(Region region) {
            return store().kv().snapshot(context(region)).thenAccept(KvSnapshot::close);
        }

        private KvContext context(Region region) {
            Region known = states.state(region.getId()).map(RegionState::region).orElse(region);
            return RaftStores.context(
                    known, states.state(region.getId()).orElseThrow().peerId(), id);
        }

        double count(String metric) {
            return metrics.counter(metric).count();
        }
    }

    Node node(long id) {
        Node node = new Node(id);
        nodes.add(node);
        return node;
    }

    Node leaderOf(Region region) {
        await().atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(5))
                .until(() -> nodes.stream().anyMatch(node -> node.leads(region)));
        return nodes.stream().filter(node -> node.leads(region)).findFirst().orElseThrow();
    }

    /** Writes like a client that tries again, whoever leads meanwhile. */
    void write(Region region, String key, String value) {
        await().atMost(PATIENCE).pollDelay(Duration.ZERO).ignoreExceptions().until(() -> {
            write(leaderOf(region).peer(region), key, value);
            return true;
        });
    }

    static void write(RegionPeer peer, String key, String value) {
        peer.write(context(peer), batch(key, value)).join();
    }

    static KvContext context(RegionPeer peer) {
        return context(peer.region(), peer.peerId(), peer.self().storeId());
    }

    static ByteKey key(String text) {
        return ByteKey.wrap(text.getBytes(StandardCharsets.UTF_8));
    }

    static RegionState normal(Region region, long store) {
        return RegionState.normal(region.getId() * 10 + store, region);
    }

    private static WriteBatch batch(String key, String value) {
        return new WriteBatch().put(Cf.RAW, key(key), value.getBytes(StandardCharsets.UTF_8));
    }

    private static KvContext context(Region region, long peerId, long storeId) {
        return KvContext.of(
                Context.newBuilder()
                        .setRegionId(region.getId())
                        .setRegionEpoch(region.getRegionEpoch())
                        .setPeer(Peer.newBuilder().setId(peerId).setStoreId(storeId))
                        .build(),
                System.nanoTime() + TimeUnit.SECONDS.toNanos(2));
    }

    @Override
    public void close() {
        network.heal();
        nodes.forEach(Node::stop);
        nodes.forEach(node -> node.engine.close());
    }
}
