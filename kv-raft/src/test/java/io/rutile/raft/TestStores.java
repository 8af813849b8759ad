package io.rutile.raft;

import static org.awaitility.Awaitility.await;

import com.alipay.sofa.jraft.ReplicatorGroup;
import com.alipay.sofa.jraft.core.NodeImpl;
import com.alipay.sofa.jraft.core.Replicator;
import com.alipay.sofa.jraft.entity.PeerId;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.lang.invoke.MethodHandles;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Several stores in one process, on loopback, each with its own directory, port and log. */
final class TestStores implements AutoCloseable {

    static final long CLUSTER = 7;
    static final long BEGIN = 5;
    static final Duration PATIENCE = Duration.ofSeconds(30);

    final NetworkFaults network = new NetworkFaults();

    /** Told by stores that are opened from now on. */
    volatile StoreLatencies latencies = StoreLatencies.IGNORED;

    private final Path root;
    private final UnaryOperator<RaftOptions> settings;
    private final Map<Long, Store> stores = new ConcurrentHashMap<>();
    private final Map<Long, InetSocketAddress> addresses = new ConcurrentHashMap<>();

    /** Threads that have looked an address up. */
    final Set<Thread> lookedUpBy = ConcurrentHashMap.newKeySet();

    TestStores(Path root, UnaryOperator<RaftOptions> settings) {
        this.root = root;
        this.settings = settings;
    }

    TestStores(Path root) {
        this(root, options -> options);
    }

    /** One store's life: it can be stopped and opened again on the same directory. */
    final class Store {

        final long id;
        volatile SimpleMeterRegistry meters = new SimpleMeterRegistry();
        final Map<Long, CounterMachine> machines = new ConcurrentHashMap<>();
        final Map<Long, RaftGroup<Long>> groups = new ConcurrentHashMap<>();

        @Nullable FaultyDisk disk;

        volatile UnknownReplicas unknown = (group, self, from) -> {};
        RaftServer server;

        Store(long id) {
            this.id = id;
            this.server = open();
        }

        private RaftServer open() {
            InetSocketAddress listen = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
            RaftOptions options = settings.apply(RaftOptions.of(CLUSTER, id, root.resolve("store" + id), listen)
                    .withElectionTimeout(Duration.ofSeconds(1)));
            RaftServer opened = new RaftServer(
                    options,
                    store -> {
                        lookedUpBy.add(Thread.currentThread());
                        return addresses.get(store);
                    },
                    (group, self, from) -> unknown.onMessage(group, self, from),
                    meters,
                    latencies,
                    new RaftServer.Faults(raw -> disk = new FaultyDisk(raw), network));
            opened.start();
            addresses.put(id, opened.listenAddress());
            return opened;
        }

        void reopen() {
            meters = new SimpleMeterRegistry();
            server = open();
        }

        void stop() {
            server.close();
            machines.clear();
            groups.clear();
        }

        /** Gone without a word: nothing leaves it any more, not even that it stops. */
        void kill() {
            network.isolate(id);
            stop();
        }

        void bootstrap(long group, Replicas first) {
            server.bootstrapGroup(group, own(first), first, BEGIN);
        }

        Replica own(Replicas replicas) {
            return replicas.voters().stream()
                    .filter(replica -> replica.storeId() == id)
                    .findFirst()
                    .orElseThrow();
        }

        /** A replica whose state machine persists into a file. */
        RaftGroup<Long> start(long group, Replica self, long begin) {
            CounterMachine machine = new CounterMachine(
                    root.resolve("store" + id).resolve("counts-" + group + "-" + self.peerId()), begin);
            machines.put(group, machine);
            RaftGroup<Long> started = server.startGroup(group, self, machine);
            groups.put(group, started);
            return started;
        }

        CounterMachine machine(long group) {
            return Objects.requireNonNull(machines.get(group));
        }

        RaftGroup<Long> group(long group) {
            return Objects.requireNonNull(groups.get(group));
        }
    }

    Store open(long id) {
        Store store = new Store(id);
        stores.put(id, store);
        return store;
    }

    Store store(long id) {
        return Objects.requireNonNull(stores.get(id));
    }

    void address(long store, InetSocketAddress address) {
        addresses.put(store, address);
    }

    /** The same group on each store, its peer id the store's id plus 100. */
    static Replicas members(long... ids) {
        return new Replicas(
                Arrays.stream(ids).mapToObj(id -> new Replica(id, 100 + id)).collect(Collectors.toSet()), Set.of());
    }

    void startEverywhere(long group, Replicas members) {
        members.voters().forEach(replica -> store(replica.storeId()).bootstrap(group, members));
        members.voters().forEach(replica -> store(replica.storeId()).start(group, replica, BEGIN));
    }

    Store awaitLeader(long group) {
        return await("a leader of group " + group)
                .atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(5))
                .until(() -> leader(group), Optional::isPresent)
                .orElseThrow();
    }

    Optional<Store> leader(long group) {
        return stores.values().stream()
                .filter(store -> {
                    RaftGroup<Long> here = store.groups.get(group);
                    return here != null && here.isLeader() && network.passes(store.id, 0);
                })
                .findFirst();
    }

    /** Proposes until it is acknowledged, whoever leads meanwhile; like a client that retries. */
    void proposeAnyhow(long group, String word) {
        await("an acknowledgement of " + word)
                .atMost(PATIENCE)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(10))
                .until(() -> {
                    Optional<Store> leader = leader(group);
                    if (leader.isEmpty()) {
                        return false;
                    }
                    try {
                        propose(leader.get().group(group), word);
                        return true;
                    } catch (RaftException e) {
                        return false;
                    }
                });
    }

    static byte[] bytes(String word) {
        return word.getBytes(StandardCharsets.UTF_8);
    }

    static long propose(RaftGroup<Long> group, String word) {
        return get(group.propose(bytes(word)));
    }

    static <T> T get(CompletableFuture<T> future) {
        try {
            return future.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RaftException mine) {
                throw mine;
            }
            throw new AssertionError(e.getCause());
        } catch (Exception e) {
            throw new AssertionError("no answer in time", e);
        }
    }

    /**
     * Gives a replica that is no member yet everything that the leader has, and returns when the leader knows. The first half of a
     * change of membership, without the second, which waits for the replica and makes it one.
     */
    static void feed(RaftGroup<Long> leader, Replica replica) {
        PeerId peer = PeerIds.of(replica);
        ReplicatorGroup replicators = replicators(((JRaftAdapter<?>) leader).node());
        replicators.addReplicator(peer);
        await("everything on " + replica)
                .atMost(PATIENCE)
                .until(() -> Replicator.getNextIndex(replicators.getReplicator(peer)) == leader.committedIndex() + 1);
    }

    private static ReplicatorGroup replicators(NodeImpl node) {
        try {
            return (ReplicatorGroup) MethodHandles.privateLookupIn(NodeImpl.class, MethodHandles.lookup())
                    .findVarHandle(NodeImpl.class, "replicatorGroup", ReplicatorGroup.class)
                    .get(node);
        } catch (ReflectiveOperationException e) {
            throw new LinkageError(e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        network.heal();
        stores.values().forEach(store -> store.server.close());
    }
}
