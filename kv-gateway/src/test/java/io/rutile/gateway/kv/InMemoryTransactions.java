package io.rutile.gateway.kv;

import io.rutile.client.KvClientException;
import io.rutile.client.raw.RawKv.Pair;
import io.rutile.client.raw.RawKv.PairConsumer;
import io.rutile.client.raw.RawKv.ScanRequest;
import io.rutile.client.txn.TxnFailures;
import io.rutile.client.txn.TxnOptions;
import io.rutile.client.txn.TxnSnapshot;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.ForkJoinPool;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Snapshot isolation over maps in memory. Every commit leaves a new version of everything, so a snapshot is one of them. Tests may
 * make the next calls fail or wait, and see what was asked.
 */
public final class InMemoryTransactions implements TxnOperations {

    public static final int PAGE_PAIRS = 100;

    private final Executor executor = ForkJoinPool.commonPool();
    private final ConcurrentLinkedQueue<RuntimeException> failures = new ConcurrentLinkedQueue<>();
    private final TreeMap<Long, TreeMap<ByteKey, byte[]>> versions = new TreeMap<>();
    private final Map<ByteKey, Long> writtenAt = new HashMap<>();
    private final Map<ByteKey, InMemoryTransaction> locks = new HashMap<>();
    private final List<TxnOptions> begun = new ArrayList<>();
    private final Set<InMemoryTransaction> open = new HashSet<>();

    private long now = 1;
    private int commits;
    private @Nullable Runnable beforeCommit;
    private @Nullable RuntimeException lostAnswer;
    private volatile @Nullable CompletableFuture<Void> gate;

    public InMemoryTransactions() {
        reset();
    }

    /** Forgets everything but the time. */
    public synchronized void reset() {
        versions.clear();
        versions.put(0L, new TreeMap<>());
        writtenAt.clear();
        locks.clear();
        failures.clear();
        begun.clear();
        open.clear();
        commits = 0;
        beforeCommit = null;
        lostAnswer = null;
        open();
    }

    /** Another writer, who commits at once. @return when */
    public synchronized TimeStamp write(ByteKey key, byte @Nullable [] value) {
        TreeMap<ByteKey, byte[]> next = new TreeMap<>(newest());
        if (value == null) {
            next.remove(key);
        } else {
            next.put(key, value);
        }
        versions.put(++now, next);
        writtenAt.put(key, now);
        return new TimeStamp(now);
    }

    public synchronized NavigableMap<ByteKey, byte[]> newest() {
        return versions.lastEntry().getValue();
    }

    public synchronized List<TxnOptions> begun() {
        return List.copyOf(begun);
    }

    /** How many transactions are neither committed nor rolled back. */
    public synchronized int openCount() {
        return open.size();
    }

    public synchronized int commits() {
        return commits;
    }

    /** Runs just before the next commit is checked. */
    public synchronized void beforeNextCommit(Runnable other) {
        beforeCommit = other;
    }

    /** The next commit is carried out, and this is all that is heard of it. */
    public synchronized void loseNextCommit(RuntimeException instead) {
        lostAnswer = instead;
    }

    /** All timestamps from now on are later by so much. */
    public synchronized void passTime(Duration time) {
        now += time.toMillis() << TimeStamp.LOGICAL_BITS;
    }

    public void failNext(RuntimeException failure) {
        failures.add(failure);
    }

    /** Calls that begin now are not answered until {@link #open()}. */
    public void close() {
        gate = new CompletableFuture<>();
    }

    public void open() {
        CompletableFuture<Void> closed = gate;
        gate = null;
        if (closed != null) {
            closed.complete(null);
        }
    }

    @Override
    public CompletableFuture<OpenTransaction> begin(TxnOptions options) {
        return call(() -> {
            begun.add(options);
            InMemoryTransaction transaction = new InMemoryTransaction(options, new TimeStamp(++now));
            open.add(transaction);
            return transaction;
        });
    }

    @Override
    public CompletableFuture<ReadView> snapshot(TimeStamp version, Deadline deadline) {
        return call(() -> {
            if (version.compareTo(new TimeStamp(now)) > 0) {
                throw new KvClientException(KvClientException.Kind.INVALID, "not in the past", null, null);
            }
            return new View(version);
        });
    }

    @Override
    public CompletableFuture<ReadView> newest(Deadline deadline) {
        return call(() -> new View(new TimeStamp(now)));
    }

    @Override
    public CompletableFuture<Optional<TxnSnapshot.Versioned>> latest(ByteKey key, Deadline deadline) {
        return call(() -> Optional.ofNullable(newest().get(key))
                .map(value -> new TxnSnapshot.Versioned(value, new TimeStamp(writtenAt.getOrDefault(key, 0L)))));
    }

    private <T> CompletableFuture<T> call(Supplier<T> action) {
        CompletableFuture<Void> before = gate;
        return (before == null ? CompletableFuture.<Void>completedFuture(null) : before)
                .thenApplyAsync(
                        opened -> {
                            RuntimeException failure = failures.poll();
                            if (failure != null) {
                                throw failure;
                            }
                            synchronized (this) {
                                return action.get();
                            }
                        },
                        executor);
    }

    private class View implements ReadView {

        private final TimeStamp version;

        View(TimeStamp version) {
            this.version = version;
        }

        NavigableMap<ByteKey, byte[]> seen() {
            return versions.floorEntry(version.value()).getValue();
        }

        @Override
        public TimeStamp startTs() {
            return version;
        }

        @Override
        public CompletableFuture<Optional<byte[]>> get(ByteKey key) {
            return call(() -> Optional.ofNullable(seen().get(key)));
        }

        @Override
        public CompletableFuture<Map<ByteKey, byte[]>> batchGet(List<ByteKey> keys) {
            return call(() -> {
                Map<ByteKey, byte[]> found = new HashMap<>(seen());
                found.keySet().retainAll(keys);
                return found;
            });
        }

        @Override
        public CompletableFuture<Void> scan(ScanRequest request, PairConsumer consumer) {
            return call(() -> {
                        NavigableMap<ByteKey, byte[]> all = seen();
                        return (request.reverse() ? all.descendingMap() : all)
                                .entrySet().stream()
                                        .filter(entry -> request.range().contains(entry.getKey()))
                                        .limit(request.limit())
                                        .map(entry -> new Pair(
                                                entry.getKey(), request.keysOnly() ? new byte[0] : entry.getValue()))
                                        .toList();
                    })
                    .thenCompose(pairs -> page(pairs, consumer));
        }

        private CompletableFuture<Void> page(List<Pair> pairs, PairConsumer consumer) {
            if (pairs.isEmpty()) {
                return CompletableFuture.completedFuture(null);
            }
            int count = Math.min(PAGE_PAIRS, pairs.size());
            return consumer.accept(pairs.subList(0, count))
                    .thenComposeAsync(taken -> page(pairs.subList(count, pairs.size()), consumer), executor);
        }
    }

    private final class InMemoryTransaction extends View implements OpenTransaction {

        private final TxnOptions options;
        private final Map<ByteKey, Optional<byte[]>> writes = new HashMap<>();
        private final Set<ByteKey> guarded = new HashSet<>();
        private boolean over;

        InMemoryTransaction(TxnOptions options, TimeStamp startTs) {
            super(startTs);
            this.options = options;
        }

        @Override
        NavigableMap<ByteKey, byte[]> seen() {
            requireActive();
            TreeMap<ByteKey, byte[]> seen = new TreeMap<>(super.seen());
            apply(seen);
            return seen;
        }

        private void apply(Map<ByteKey, byte[]> pairs) {
            writes.forEach(
                    (key, value) -> value.ifPresentOrElse(bytes -> pairs.put(key, bytes), () -> pairs.remove(key)));
        }

        private void requireActive() {
            if (over) {
                throw new KvClientException(KvClientException.Kind.INVALID, "transaction has ended", null, null);
            }
        }

        @Override
        public CompletableFuture<Map<ByteKey, byte[]>> batchGetForUpdate(List<ByteKey> keys) {
            return lockKeys(keys)
                    .thenCompose(done -> call(() -> {
                        TreeMap<ByteKey, byte[]> seen =
                                options.pessimisticLocks() ? new TreeMap<>(newest()) : new TreeMap<>(super.seen());
                        apply(seen);
                        seen.keySet().retainAll(keys);
                        return seen;
                    }));
        }

        @Override
        public void put(ByteKey key, byte[] value) {
            write(key, Optional.of(value));
        }

        @Override
        public void delete(ByteKey key) {
            write(key, Optional.empty());
        }

        private void write(ByteKey key, Optional<byte[]> value) {
            synchronized (InMemoryTransactions.this) {
                requireActive();
                if (key.isEmpty()) {
                    throw new KvClientException(KvClientException.Kind.INVALID, "the empty key", null, null);
                }
                if (value.isPresent() && value.get().length > options.bytesMax()) {
                    throw new KvClientException(KvClientException.Kind.TOO_LARGE, "too large", null, null);
                }
                writes.put(key, value);
            }
        }

        @Override
        public CompletableFuture<Void> lockKeys(List<ByteKey> keys) {
            return call(() -> {
                requireActive();
                for (ByteKey key : keys) {
                    InMemoryTransaction holder = locks.get(key);
                    if (options.pessimisticLocks() && holder != null && holder != this) {
                        throw TxnFailures.keyLocked(key, startTs(), holder.startTs());
                    }
                    if (options.pessimisticLocks()) {
                        locks.put(key, this);
                    } else {
                        guarded.add(key);
                    }
                }
                return null;
            });
        }

        @Override
        public CompletableFuture<TimeStamp> commit() {
            return call(() -> {
                requireActive();
                Runnable other = beforeCommit;
                beforeCommit = null;
                if (other != null) {
                    other.run();
                }
                end();
                commits++;
                Set<ByteKey> checked = new HashSet<>(guarded);
                checked.addAll(writes.keySet());
                for (ByteKey key : checked) {
                    long at = writtenAt.getOrDefault(key, 0L);
                    if (at > startTs().value() && !locks.containsKey(key)) {
                        throw TxnFailures.writeConflict(key, startTs(), new TimeStamp(at));
                    }
                }
                TreeMap<ByteKey, byte[]> next = new TreeMap<>(newest());
                apply(next);
                versions.put(++now, next);
                writes.keySet().forEach(key -> writtenAt.put(key, now));
                locks.values().removeIf(holder -> holder == this);
                RuntimeException lost = lostAnswer;
                lostAnswer = null;
                if (lost != null) {
                    throw lost;
                }
                return new TimeStamp(now);
            });
        }

        @Override
        public CompletableFuture<Void> rollback() {
            synchronized (InMemoryTransactions.this) {
                if (!over) {
                    end();
                    locks.values().removeIf(holder -> holder == this);
                }
            }
            return CompletableFuture.completedFuture(null);
        }

        private void end() {
            over = true;
            open.remove(this);
        }
    }
}
