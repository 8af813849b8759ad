package io.rutile.cli.bench.subject;

import com.google.gson.Gson;
import io.rutile.cli.bench.load.Action;
import io.rutile.cli.bench.load.Dataset;
import io.rutile.cli.bench.load.KeySpace;
import io.rutile.cli.bench.load.Load;
import io.rutile.cli.bench.load.LoadLoop;
import io.rutile.cli.bench.load.Outcome;
import io.rutile.cli.bench.load.Subject;
import io.rutile.raft.CommittedEntries;
import io.rutile.raft.RaftGroup;
import io.rutile.raft.RaftOptions;
import io.rutile.raft.RaftServer;
import io.rutile.raft.Replica;
import io.rutile.raft.Replicas;
import io.rutile.raft.ReplicatedStateMachine;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * One store of the Raft floor: one replica of one group over kv-raft, with a node's settings and fsync, and a state machine that holds
 * nothing. A process of three; the one that leads makes the load itself. Lines in, lines out:
 *
 * <pre>
 * ← listening PORT
 * → peers PORT PORT PORT        of the stores 1, 2 and 3; the replica starts
 * ← started
 * → lead                        stands for election
 * ← leading
 * → run JSON                    a {@link Order}
 * ← outcome JSON                an {@link OutcomeText}
 * </pre>
 */
final class RaftFloorNode implements AutoCloseable {

    /** What to run. */
    record Order(Load load, KeySpace keys, long millis, long salt) {}

    private static final long CLUSTER_ID = 1;
    private static final long GROUP = 1;
    private static final long FIRST_INDEX = 1;
    /** A node's. */
    private static final Duration ELECTION_TIMEOUT = Duration.ofSeconds(1);

    private static final Duration LEAD_MAX = Duration.ofSeconds(30);
    private static final long POLL_NANOS = 10_000_000;
    private static final Gson GSON = new Gson();

    private final long store;
    private final Map<Long, InetSocketAddress> addresses = new ConcurrentHashMap<>();
    private final RaftServer server;
    private @Nullable RaftGroup<Boolean> started;

    RaftFloorNode(long store, Path dir, Duration electionTimeout) {
        this.store = store;
        InetSocketAddress anyPort = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        server = new RaftServer(
                RaftOptions.of(CLUSTER_ID, store, dir, anyPort).withElectionTimeout(electionTimeout),
                addresses::get,
                (group, self, from) -> {});
    }

    public static void main(String[] args) throws IOException, InterruptedException {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (RaftFloorNode node = new RaftFloorNode(Long.parseLong(args[0]), Path.of(args[1]), ELECTION_TIMEOUT)) {
            say("listening " + node.listen());
            for (String line; (line = in.readLine()) != null; ) {
                say(node.answer(line));
            }
        }
    }

    /** Opens the port, and says which. */
    int listen() {
        server.start();
        return server.listenAddress().getPort();
    }

    private static void say(String line) {
        System.out.println(line);
        System.out.flush();
    }

    /** What it says to a line. */
    String answer(String line) throws InterruptedException {
        String[] words = line.split(" ", 2);
        return switch (words[0]) {
            case "peers" -> {
                start(words[1].split(" "));
                yield "started";
            }
            case "lead" -> {
                lead();
                yield "leading";
            }
            case "run" -> "outcome " + GSON.toJson(OutcomeText.of(run(GSON.fromJson(words[1], Order.class))));
            default -> throw new IllegalArgumentException("not understood: " + words[0]);
        };
    }

    private void start(String[] ports) {
        for (int i = 0; i < ports.length; i++) {
            addresses.put(i + 1L, new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(ports[i])));
        }
        Replicas all = Replicas.ofVoters(
                addresses.keySet().stream().map(RaftFloorNode::replica).toArray(Replica[]::new));
        server.bootstrapGroup(GROUP, replica(store), all, FIRST_INDEX);
        started = server.startGroup(GROUP, replica(store), new Nothing());
    }

    private static Replica replica(long store) {
        return new Replica(store, store);
    }

    private RaftGroup<Boolean> group() {
        RaftGroup<Boolean> now = started;
        if (now == null) {
            throw new IllegalStateException("no peers were named");
        }
        return now;
    }

    /** Whoever has heard of no leader for an election timeout stands too; then this one fails, and says so. */
    private void lead() {
        group().campaign();
        long deadlineNanos = System.nanoTime() + LEAD_MAX.toNanos();
        while (!group().isLeader()) {
            if (System.nanoTime() - deadlineNanos > 0) {
                throw new IllegalStateException("store " + store + " does not lead after " + LEAD_MAX.toSeconds()
                        + " s, but " + group().leader());
            }
            LockSupport.parkNanos(POLL_NANOS);
        }
    }

    private Outcome run(Order order) throws InterruptedException {
        try (Proposals proposals = new Proposals(group())) {
            return LoadLoop.run(
                    proposals,
                    order.load(),
                    Dataset.loaded(order.keys()),
                    Duration.ofMillis(order.millis()),
                    order.salt());
        }
    }

    @Override
    public void close() {
        server.close();
    }

    /** The group as its leader's own process sees it. */
    private record Proposals(RaftGroup<Boolean> group) implements Subject {

        @Override
        public String name() {
            return "bare kv-raft";
        }

        @Override
        public Set<Action> actions() {
            return EnumSet.of(Action.UPDATE);
        }

        @Override
        public void load(KeySpace keys, Set<Action> actions) {
            // It keeps nothing.
        }

        @Override
        public void update(String key, byte[] value) throws Exception {
            byte[] start = Calls.bytes(key);
            byte[] entry = new byte[start.length + value.length];
            System.arraycopy(start, 0, entry, 0, start.length);
            System.arraycopy(value, 0, entry, start.length, value.length);
            Calls.await(group.propose(entry));
        }

        @Override
        public Map<String, Duration> cpu() {
            return Map.of();
        }

        @Override
        public void close() {
            // The group is somebody else's.
        }
    }

    /** Applies by counting. */
    private static final class Nothing implements ReplicatedStateMachine<Boolean> {

        private static final String IMAGE = "applied";

        private volatile long applied = FIRST_INDEX;

        @Override
        public long appliedIndex() {
            return applied;
        }

        @Override
        public void apply(CommittedEntries<Boolean> entries) {
            while (entries.next()) {
                entries.complete(Boolean.TRUE);
            }
            applied = entries.index();
        }

        @Override
        public void persist() {
            // Nothing to lose: these processes are never started again.
        }

        @Override
        public long writeImage(Path directory) throws IOException {
            long now = applied;
            Files.writeString(directory.resolve(IMAGE), Long.toString(now));
            return now;
        }

        @Override
        public void installImage(Path directory) throws IOException {
            applied = Long.parseLong(Files.readString(directory.resolve(IMAGE)));
        }
    }
}
