package io.rutile.cli.workload;

import io.rutile.cli.check.Outcome;
import io.rutile.cli.workload.StoreFailure.Cause;
import io.rutile.protocol.TimeStamp;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Snapshot isolation in memory, small enough to be seen to be right, with bugs of real stores to be switched on. */
final class ModelStore implements TxnStore {

    /** What is wrong with it. */
    enum Bug {
        NONE,
        /** Writes over what was committed since the snapshot; a lock shows the snapshot and not what is there. */
        SKIP_CONFLICT_CHECK,
        /** Keys become visible one by one, after their locks are gone. */
        SECONDARIES_FIRST,
        /** Commits at a timestamp below that of reads which were answered already. */
        IGNORE_MAX_TS
    }

    /** Between two timestamps of the clock there is room for one that is made up. */
    private static final long TICK = 10;

    private static final long LOCK_WAIT_MS = 20;

    private final Bug bug;
    private final Map<String, TreeMap<Long, String>> versions = new TreeMap<>();
    private final Map<String, Long> locks = new HashMap<>();
    private long clock;

    ModelStore(Bug bug) {
        this.bug = bug;
    }

    @Override
    public StoreTxn begin(Locking locking) {
        Thread.yield();
        return new Txn(next());
    }

    private synchronized long next() {
        clock += TICK;
        return clock;
    }

    private synchronized Optional<String> read(String key, long at) {
        return Optional.ofNullable(versions.get(key))
                .map(all -> all.floorEntry(at))
                .map(Map.Entry::getValue);
    }

    private synchronized void install(String key, long commitTs, String value) {
        versions.computeIfAbsent(key, k -> new TreeMap<>()).put(commitTs, value);
    }

    private synchronized void lock(String key, long owner) {
        long deadlineNanos = System.nanoTime() + LOCK_WAIT_MS * 1_000_000;
        while (locks.getOrDefault(key, owner) != owner) {
            long leftMs = (deadlineNanos - System.nanoTime()) / 1_000_000;
            if (leftMs <= 0) {
                throw conflict("waited in vain");
            }
            try {
                wait(leftMs);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw conflict("interrupted");
            }
        }
        locks.put(key, owner);
    }

    private synchronized void unlockAll(long owner) {
        locks.values().removeIf(holder -> holder == owner);
        notifyAll();
    }

    private static StoreFailure conflict(String why) {
        return new StoreFailure(Cause.CONFLICT, Outcome.FAILED, why, null);
    }

    private final class Txn implements StoreTxn {

        private final long startTs;
        private final TreeMap<String, String> writes = new TreeMap<>();

        Txn(long startTs) {
            this.startTs = startTs;
        }

        @Override
        public TimeStamp startTs() {
            return new TimeStamp(startTs);
        }

        @Override
        public Optional<String> get(String key) {
            Thread.yield();
            String own = writes.get(key);
            return own != null ? Optional.of(own) : read(key, startTs);
        }

        @Override
        public Map<String, String> getAll(List<String> keys) {
            Map<String, String> found = new HashMap<>();
            keys.forEach(key -> get(key).ifPresent(value -> found.put(key, value)));
            return found;
        }

        @Override
        public Map<String, String> scan(String prefix) {
            List<String> keys;
            synchronized (ModelStore.this) {
                keys = versions.keySet().stream()
                        .filter(key -> key.startsWith(prefix))
                        .collect(Collectors.toList());
            }
            return getAll(keys);
        }

        @Override
        public Optional<String> getForUpdate(String key) {
            Thread.yield();
            lock(key, startTs);
            String own = writes.get(key);
            if (own != null) {
                return Optional.of(own);
            }
            return read(key, bug == Bug.SKIP_CONFLICT_CHECK ? startTs : Long.MAX_VALUE);
        }

        @Override
        public void put(String key, String value) {
            writes.put(key, value);
        }

        @Override
        public TimeStamp commit() {
            Thread.yield();
            if (writes.isEmpty()) {
                unlockAll(startTs);
                return startTs();
            }
            return new TimeStamp(bug == Bug.SECONDARIES_FIRST ? commitOneByOne() : commitAtOnce());
        }

        private long commitAtOnce() {
            synchronized (ModelStore.this) {
                writes.keySet().forEach(this::checkConflict);
                long commitTs = bug == Bug.IGNORE_MAX_TS ? startTs + 1 : next();
                writes.forEach((key, value) -> install(key, commitTs, value));
                unlockAll(startTs);
                return commitTs;
            }
        }

        private long commitOneByOne() {
            long commitTs;
            synchronized (ModelStore.this) {
                writes.keySet().forEach(this::checkConflict);
                commitTs = next();
            }
            unlockAll(startTs);
            writes.descendingMap().forEach((key, value) -> {
                Thread.yield();
                install(key, commitTs, value);
            });
            return commitTs;
        }

        private void checkConflict(String key) {
            long holder = locks.getOrDefault(key, 0L);
            if (holder == startTs || bug == Bug.SKIP_CONFLICT_CHECK) {
                return;
            }
            TreeMap<Long, String> all = versions.get(key);
            if (holder != 0 || (all != null && all.lastKey() > startTs)) {
                throw conflict("write conflict");
            }
        }

        @Override
        public void rollback() {
            unlockAll(startTs);
        }
    }
}
