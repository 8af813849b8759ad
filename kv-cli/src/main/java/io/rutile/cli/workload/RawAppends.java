package io.rutile.cli.workload;

import io.rutile.client.KvClientException;
import io.rutile.protocol.ByteKey;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Raw pairs, each written once, all over the key space, so that every Region that is cut, moved or merged holds some. A key says what its
 * value is; so whatever was acknowledged can be checked to the last byte, years of repeated requests later, with one bit of memory each.
 *
 * <p>Threads: one per client between {@link #start} and {@link #stop}; the rest is the caller's.
 */
public final class RawAppends implements AutoCloseable {

    /** Enough for hours at the pace below. */
    private static final int WRITES_PER_CLIENT_MAX = 4_000_000;

    /** A client does nothing else, and a machine has others to serve. */
    private static final Duration PACE = Duration.ofMillis(5);

    private static final int VALUE_BYTES_MIN = 32;
    private static final int VALUE_BYTES_MAX = 512;
    private static final int STALLS_MAX = 10_000;
    private static final int EXAMPLES_MAX = 5;
    private static final int BATCH = 256;
    private static final Duration STALL_MIN = Duration.ofSeconds(1);
    private static final Duration LAST_CALL_MAX = Duration.ofMinutes(2);
    private static final Duration LAST_READ_MAX = Duration.ofSeconds(90);
    private static final Duration PAUSE = Duration.ofMillis(200);

    private final RawStore store;
    private final List<ByteKey> prefixes;
    private final long seed;
    private final List<Client> clients = new ArrayList<>();
    private final List<Thread> threads = new ArrayList<>();
    private final CountDownLatch stopping = new CountDownLatch(1);
    private final AtomicReference<@Nullable RuntimeException> broken = new AtomicReference<>();

    /**
     * A time in which a client had no success, by {@link System#nanoTime}.
     *
     * @param end by the clock, to be found in logs
     * @param failure how the last call in it ended without one; empty if one took that long
     */
    public record Stall(long beginNanos, long endNanos, Instant end, String failure) {

        public Duration length() {
            return Duration.ofNanos(endNanos - beginNanos);
        }
    }

    /**
     * What became of it.
     *
     * @param acknowledged writes
     * @param unknown writes that ended without an answer: there or not, but nothing else
     * @param reads of an acknowledged pair meanwhile
     * @param failedReads without an answer
     * @param stalls of a second and more, the first ten thousand
     * @param lost acknowledged writes that were not found, meanwhile or in the end
     * @param wrong values that nobody wrote
     * @param examples of both, in words
     */
    public record Report(
            long acknowledged,
            long unknown,
            long reads,
            long failedReads,
            List<Stall> stalls,
            long lost,
            long wrong,
            List<String> examples) {

        public Report {
            stalls = List.copyOf(stalls);
            examples = List.copyOf(examples);
        }

        public boolean isClean() {
            return lost == 0 && wrong == 0;
        }
    }

    private RawAppends(RawStore store, List<ByteKey> prefixes, long seed) {
        this.store = store;
        this.prefixes = List.copyOf(prefixes);
        this.seed = seed;
    }

    /**
     * Starts the clients.
     *
     * @param prefixes of keys, nobody else's: Regions are cut there
     */
    public static RawAppends start(RawStore store, List<ByteKey> prefixes, int clients, long seed) {
        RawAppends appends = new RawAppends(store, prefixes, seed);
        for (int i = 0; i < clients; i++) {
            Client client = appends.new Client(i);
            appends.clients.add(client);
            appends.threads.add(new Thread(client, "raw-client-" + i));
        }
        appends.threads.forEach(Thread::start);
        return appends;
    }

    /** True if a client met what no store may answer; {@link #verify} throws it. */
    public boolean isBroken() {
        return broken.get() != null;
    }

    /** So far, for a line of progress. */
    public String progress() {
        long acknowledged = clients.stream()
                .mapToLong(client -> client.acknowledgedCount.sum())
                .sum();
        long unknown =
                clients.stream().mapToLong(client -> client.unknownCount.sum()).sum();
        return acknowledged + " acknowledged, " + unknown + " unknown";
    }

    /** Tells the clients to stop after the call that they are at; does not wait. */
    public void stop() {
        stopping.countDown();
    }

    /**
     * Stops, and reads all that was acknowledged or may be there.
     *
     * @throws IllegalStateException if a client hung, or met what no store may answer, or the last reads don't succeed
     */
    public Report verify() throws InterruptedException {
        stop();
        for (Thread thread : threads) {
            thread.join(LAST_CALL_MAX.toMillis());
            if (thread.isAlive()) {
                throw new IllegalStateException(
                        thread.getName() + " has waited for its last call for " + LAST_CALL_MAX.toSeconds() + " s");
            }
        }
        RuntimeException cause = broken.get();
        if (cause != null) {
            throw new IllegalStateException("a raw client broke: " + cause, cause);
        }
        for (Client client : clients) {
            client.verify();
        }
        return new Report(
                clients.stream()
                        .mapToLong(client -> client.acknowledgedCount.sum())
                        .sum(),
                clients.stream().mapToLong(client -> client.unknownCount.sum()).sum(),
                clients.stream().mapToLong(client -> client.reads).sum(),
                clients.stream().mapToLong(client -> client.failedReads).sum(),
                clients.stream().flatMap(client -> client.stalls.stream()).toList(),
                clients.stream().mapToLong(client -> client.lost.cardinality()).sum(),
                clients.stream().mapToLong(client -> client.wrong.cardinality()).sum(),
                clients.stream()
                        .flatMap(client -> client.examples.stream())
                        .limit(EXAMPLES_MAX)
                        .toList());
    }

    /** Stops without waiting. */
    @Override
    public void close() {
        stop();
        threads.forEach(Thread::interrupt);
    }

    /** One client and what it knows; used by its thread, and after that by who verifies. */
    private final class Client implements Runnable {

        private final int number;
        private final BitSet acknowledged = new BitSet();
        private final BitSet unknown = new BitSet();
        private final BitSet lost = new BitSet();
        private final BitSet wrong = new BitSet();
        private final List<String> examples = new ArrayList<>();
        private final List<Stall> stalls = new ArrayList<>();
        private final LongAdder acknowledgedCount = new LongAdder();
        private final LongAdder unknownCount = new LongAdder();
        private long reads;
        private long failedReads;
        private long lastSuccessNanos = System.nanoTime();
        private String failureSince = "";

        Client(int number) {
            this.number = number;
        }

        @Override
        public void run() {
            SplittableRandom random = new SplittableRandom(seed + number);
            try {
                for (int i = 0; i < WRITES_PER_CLIENT_MAX && !pausedToTheEnd(PACE); i++) {
                    write(i);
                    if (random.nextInt(4) == 0 && !acknowledged.isEmpty()) {
                        read(random.nextInt(i + 1));
                    }
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (RuntimeException e) {
                broken.compareAndSet(null, e);
            }
        }

        private boolean pausedToTheEnd(Duration pause) throws InterruptedException {
            return stopping.await(pause.toNanos(), TimeUnit.NANOSECONDS);
        }

        private void write(int i) {
            try {
                store.put(key(i), value(i));
                acknowledged.set(i);
                acknowledgedCount.increment();
                succeeded();
            } catch (KvClientException unanswered) {
                unknown.set(i);
                unknownCount.increment();
                failureSince = String.valueOf(unanswered.getMessage());
            }
        }

        /** The newest acknowledged one up to there. */
        private void read(int upTo) {
            int i = acknowledged.previousSetBit(upTo);
            if (i < 0) {
                return;
            }
            try {
                judge(i, store.get(key(i)));
                reads++;
                succeeded();
            } catch (KvClientException unanswered) {
                failedReads++;
                failureSince = String.valueOf(unanswered.getMessage());
            }
        }

        private void succeeded() {
            long now = System.nanoTime();
            if (now - lastSuccessNanos >= STALL_MIN.toNanos() && stalls.size() < STALLS_MAX) {
                stalls.add(new Stall(lastSuccessNanos, now, Instant.now(), failureSince));
            }
            lastSuccessNanos = now;
            failureSince = "";
        }

        void verify() throws InterruptedException {
            BitSet all = (BitSet) acknowledged.clone();
            all.or(unknown);
            List<Integer> batch = new ArrayList<>();
            for (int i = all.nextSetBit(0); i >= 0; i = all.nextSetBit(i + 1)) {
                batch.add(i);
                if (batch.size() == BATCH) {
                    judge(batch);
                    batch.clear();
                }
            }
            judge(batch);
        }

        private void judge(List<Integer> batch) throws InterruptedException {
            Map<ByteKey, byte[]> found = lastRead(batch.stream().map(this::key).toList());
            for (int i : batch) {
                judge(i, Optional.ofNullable(found.get(key(i))));
            }
        }

        private void judge(int i, Optional<byte[]> found) {
            if (found.isEmpty()) {
                if (acknowledged.get(i) && !lost.get(i)) {
                    lost.set(i);
                    example("acknowledged and not there: ", i);
                }
            } else if (!Arrays.equals(found.get(), value(i)) && !wrong.get(i)) {
                wrong.set(i);
                example("not what was written: ", i);
            }
        }

        private void example(String what, int i) {
            if (examples.size() < EXAMPLES_MAX) {
                examples.add(what + "raw write " + i + " of client " + number + ", key " + key(i));
            }
        }

        private ByteKey key(int i) {
            byte[] prefix = prefixes.get((int) Math.floorMod(mixed(i), (long) prefixes.size()))
                    .bytes();
            byte[] rest = String.format(Locale.ROOT, "/%d/%07d", number, i).getBytes(StandardCharsets.US_ASCII);
            byte[] key = Arrays.copyOf(prefix, prefix.length + rest.length);
            System.arraycopy(rest, 0, key, prefix.length, rest.length);
            return ByteKey.wrap(key);
        }

        private byte[] value(int i) {
            SplittableRandom random = new SplittableRandom(mixed(i));
            byte[] value = new byte[random.nextInt(VALUE_BYTES_MIN, VALUE_BYTES_MAX + 1)];
            random.nextBytes(value);
            return value;
        }

        private long mixed(int i) {
            return new SplittableRandom(seed ^ ((long) number << 40) ^ i).nextLong();
        }
    }

    private Map<ByteKey, byte[]> lastRead(List<ByteKey> keys) throws InterruptedException {
        long startNanos = System.nanoTime();
        while (true) {
            try {
                return store.getAll(keys);
            } catch (KvClientException e) {
                if (System.nanoTime() - startNanos > LAST_READ_MAX.toNanos()) {
                    throw new IllegalStateException(
                            "raw pairs could not be read for " + LAST_READ_MAX.toSeconds() + " s: " + e.getMessage(),
                            e);
                }
                TimeUnit.NANOSECONDS.sleep(PAUSE.toNanos());
            }
        }
    }
}
