package io.rutile.storage.txn;

import static io.rutile.protocol.kvrpcpb.PrewriteRequest.PessimisticAction.DO_PESSIMISTIC_CHECK;
import static io.rutile.storage.txn.TxnWords.conflict;
import static io.rutile.storage.txn.TxnWords.del;
import static io.rutile.storage.txn.TxnWords.put;
import static io.rutile.storage.txn.TxnWords.shown;
import static io.rutile.storage.txn.TxnWords.ts;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.protocol.kvrpcpb.Action;
import io.rutile.protocol.kvrpcpb.CheckSecondaryLocksResponse;
import io.rutile.protocol.kvrpcpb.CheckTxnStatusResponse;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.KvPair;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.kvrpcpb.Mutation;
import io.rutile.protocol.kvrpcpb.PessimisticLockResponse;
import io.rutile.protocol.kvrpcpb.PrewriteRequest.PessimisticAction;
import io.rutile.protocol.kvrpcpb.PrewriteResponse;
import io.rutile.storage.txn.TxnWords.Conflict;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/**
 * P6, P7: several transactions of every kind at once, some given up, some killed, their locks left about and resolved by whoever
 * meets them, garbage collected in between, every request now and then sent twice (P5): what is read is always what
 * {@link SnapshotModel} says.
 */
class SnapshotModelTest extends TxnConformance {

    private static final int STEPS = 4000;
    private static final int OPEN_MAX = 5;
    private static final List<String> KEYS = List.of("a", "b", "c", "d", "e", "f", "g", "h");
    private static final long LONGER_THAN_A_TTL = ts(PrewriteCall.TTL_MS + 1000, 0);

    private enum State {
        OPEN,
        PREWRITTEN,
        COMMITTED,
        ROLLED_BACK
    }

    private enum Seen {
        TWO_PHASE,
        ASYNC,
        ONE_PHASE,
        CONFLICT,
        KILLED,
        REFUSED_LATE,
        PUSHED,
        RESOLVED,
        COLLECTED
    }

    private static final class Txn {
        final long startTs;
        final boolean pessimistic;
        /** The first one's key is the primary. */
        final Map<String, Optional<String>> changes = new LinkedHashMap<>();

        final Map<String, Long> forUpdateTs = new HashMap<>();
        /** Committed keys whose locks are still there. */
        final TreeSet<String> unfinished = new TreeSet<>();

        State state = State.OPEN;
        boolean killed;
        long commitTs;

        Txn(long startTs, boolean pessimistic) {
            this.startTs = startTs;
            this.pessimistic = pessimistic;
        }

        String primary() {
            return changes.keySet().iterator().next();
        }

        String[] keys() {
            return changes.keySet().toArray(String[]::new);
        }

        String[] secondaries() {
            return changes.keySet().stream().skip(1).toArray(String[]::new);
        }

        /** Nobody else may have committed this key after that. */
        long decidedAt(String key) {
            return pessimistic ? forUpdateTs.getOrDefault(key, startTs) : startTs;
        }
    }

    private final SnapshotModel model = new SnapshotModel();
    private final Map<Long, Txn> txns = new LinkedHashMap<>();
    private final Map<Seen, Integer> seen = new EnumMap<>(Seen.class);
    private final Random random;
    private long now = 100;
    private long readable = 1;
    private long readMax;

    SnapshotModelTest() {
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("SnapshotModelTest -Dseed=" + seed);
        random = new Random(seed);
    }

    @Test
    void p6EveryReadIsWhatTheModelSays() {
        for (int step = 0; step < STEPS; step++) {
            switch (random.nextInt(24)) {
                case 0, 1, 2 -> begin();
                case 3, 4, 5, 6, 7, 8, 9 -> any(txn -> txn.state == State.OPEN).ifPresent(this::change);
                case 10, 11, 12 ->
                    any(txn -> txn.state == State.OPEN && !txn.changes.isEmpty())
                            .ifPresent(this::prewrite);
                case 13, 14 -> any(txn -> txn.state == State.PREWRITTEN).ifPresent(this::commit);
                case 15, 16 -> any(txn -> !txn.unfinished.isEmpty()).ifPresent(this::finish);
                case 17 -> any(SnapshotModelTest::isUndecided).ifPresent(this::giveUp);
                case 18 ->
                    any(txn -> isUndecided(txn) && random.nextInt(3) == 0).ifPresent(this::kill);
                case 19 -> any(txn -> txn.killed).ifPresent(this::prewriteLate);
                case 20 -> {
                    if (random.nextInt(4) == 0) {
                        collectGarbage();
                    }
                }
                default -> read(readable + (long) (random.nextDouble() * (now - readable + 1)));
            }
        }

        read(now);
        assertThat(seen.keySet()).as("what happened: %s", seen).containsExactlyInAnyOrder(Seen.values());
    }

    private static boolean isUndecided(Txn txn) {
        return !txn.changes.isEmpty() && (txn.state == State.OPEN || txn.state == State.PREWRITTEN);
    }

    private Optional<Txn> any(Predicate<Txn> which) {
        List<Txn> found = txns.values().stream().filter(which).toList();
        return found.isEmpty() ? Optional.empty() : Optional.of(found.get(random.nextInt(found.size())));
    }

    private void count(Seen what) {
        seen.merge(what, 1, Integer::sum);
    }

    private boolean sometimes() {
        return random.nextInt(5) == 0;
    }

    private void begin() {
        if (txns.values().stream().filter(txn -> txn.state == State.OPEN).count() < OPEN_MAX) {
            Txn txn = new Txn(++now, random.nextBoolean());
            txns.put(txn.startTs, txn);
        }
    }

    private void change(Txn txn) {
        String key = KEYS.get(random.nextInt(KEYS.size()));
        if (txn.pessimistic && !lock(txn, key)) {
            return;
        }
        String value = key + "-" + txn.startTs + (random.nextInt(8) == 0 ? "-" + "x".repeat(300) : "");
        txn.changes.put(key, random.nextInt(4) == 0 ? Optional.empty() : Optional.of(value));
    }

    private boolean lock(Txn txn, String key) {
        long forUpdateTs = ++now;
        LockCall call = db.lock(key)
                .primary(txn.changes.isEmpty() ? key : txn.primary())
                .at(txn.startTs, forUpdateTs)
                .returnValues();
        PessimisticLockResponse response = call.run();
        if (response.getErrorsCount() > 0) {
            resolve(TxnWords.only(response.getErrorsList()).getLocked(), now);
            return false;
        }
        readMax = forUpdateTs;
        String found =
                response.getNotFounds(0) ? "not_found" : response.getValues(0).toStringUtf8();
        assertThat(found).as("%s locked at %s", key, forUpdateTs).isEqualTo(model.get(key, forUpdateTs));
        txn.forUpdateTs.put(key, forUpdateTs);
        if (sometimes()) {
            assertThat(call.ok()).isEqualTo(response);
        }
        return true;
    }

    private PrewriteCall prewriteOf(Txn txn) {
        Mutation[] mutations = txn.changes.entrySet().stream()
                .map(change -> change.getValue()
                        .map(value -> put(change.getKey(), value))
                        .orElseGet(() -> del(change.getKey())))
                .toArray(Mutation[]::new);
        PrewriteCall call = db.prewrite(mutations).at(txn.startTs).minCommit(txn.startTs + 1);
        if (txn.pessimistic) {
            PessimisticAction[] actions = new PessimisticAction[mutations.length];
            Arrays.fill(actions, DO_PESSIMISTIC_CHECK);
            call.pessimistic(Collections.max(txn.forUpdateTs.values()), actions);
        }
        return call;
    }

    private void prewrite(Txn txn) {
        PrewriteCall call = prewriteOf(txn);
        Seen kind = List.of(Seen.TWO_PHASE, Seen.ASYNC, Seen.ONE_PHASE).get(random.nextInt(3));
        switch (kind) {
            case ASYNC -> call.async(txn.secondaries());
            case ONE_PHASE -> call.onePc();
            default -> {}
        }
        if (sometimes()) {
            call.maxCommit(now); // often not enough
        }
        PrewriteResponse response = call.run();
        if (response.getErrorsCount() > 0) {
            response.getErrorsList().forEach(error -> refused(txn, error));
            return;
        }
        txn.changes
                .keySet()
                .forEach(key -> assertThat(model.newestCommit(key))
                        .as("lost update of %s", key)
                        .isLessThanOrEqualTo(txn.decidedAt(key)));
        long chosenTs = kind == Seen.ASYNC ? response.getMinCommitTs() : response.getOnePcCommitTs();
        if (chosenTs == 0) {
            txn.state = State.PREWRITTEN;
        } else {
            assertThat(chosenTs).as("P4").isGreaterThan(readMax);
            committed(txn, chosenTs, kind);
            txn.unfinished.addAll(kind == Seen.ASYNC ? txn.changes.keySet() : List.of());
        }
        if (sometimes()) {
            assertThat(call.ok()).isEqualTo(response);
        }
    }

    private void refused(Txn txn, KeyError error) {
        if (error.hasLocked()) {
            resolve(error.getLocked(), now);
            return;
        }
        Conflict conflict = conflict(error);
        assertThat(conflict.conflictCommitTs()).isGreaterThan(txn.startTs);
        Txn rolledBack = txns.get(conflict.conflictCommitTs());
        assertThat(model.hasCommit(conflict.key(), conflict.conflictCommitTs())
                        || rolledBack != null && rolledBack.state == State.ROLLED_BACK)
                .as("%s", conflict)
                .isTrue();
        count(Seen.CONFLICT);
        giveUp(txn);
    }

    private void committed(Txn txn, long commitTs, Seen kind) {
        txn.state = State.COMMITTED;
        txn.commitTs = commitTs;
        now = Math.max(now, commitTs);
        model.commit(txn.changes, commitTs);
        count(kind);
    }

    private void commit(Txn txn) {
        long commitTs = ++now;
        db.committed(txn.startTs, commitTs, txn.primary());
        committed(txn, commitTs, Seen.TWO_PHASE);
        txn.unfinished.addAll(List.of(txn.secondaries()));
        if (sometimes()) {
            db.committed(txn.startTs, commitTs, txn.primary());
        }
    }

    private void finish(Txn txn) {
        String key = txn.unfinished.first();
        db.committed(txn.startTs, txn.commitTs, key);
        txn.unfinished.remove(key);
    }

    private void giveUp(Txn txn) {
        txn.state = State.ROLLED_BACK;
        for (int i = 0; i <= random.nextInt(2); i++) {
            db.rolledBack(txn.startTs, txn.keys());
        }
    }

    /** So much time passes that whoever asks rolls the transaction back. */
    private void kill(Txn txn) {
        now += LONGER_THAN_A_TTL;
        CheckTxnStatusResponse response =
                db.check(txn.primary(), txn.startTs, now, now, more -> more.setRollbackIfNotExist(true));
        assertThat(response.getAction()).isIn(Action.TTLExpireRollback, Action.LockNotExistRollback);
        rolledBack(txn);
    }

    private void rolledBack(Txn txn) {
        txn.state = State.ROLLED_BACK;
        txn.killed = true;
        count(Seen.KILLED);
    }

    /** P2: a rollback is remembered, whatever the transaction sends afterwards. */
    private void prewriteLate(Txn txn) {
        List<String> locks = db.locks();
        PrewriteCall call = prewriteOf(txn);
        if (random.nextBoolean()) {
            call.onePc();
        }

        assertThat(call.run().getErrorsList()).isNotEmpty();

        assertThat(db.locks()).isEqualTo(locks);
        count(Seen.REFUSED_LATE);
    }

    /**
     * Does what a client does that meets a lock at a version.
     *
     * @return whether the lock may now be overlooked at that version
     */
    private boolean resolve(LockInfo lock, long version) {
        Txn holder = txns.get(lock.getLockVersion());
        assertThat(holder).as("holder of %s", lock).isNotNull();
        CheckTxnStatusResponse status = db.check(
                lock.getPrimaryLock().toStringUtf8(),
                holder.startTs,
                version,
                now,
                more -> more.setRollbackIfNotExist(true));
        if (status.getLockTtl() > 0 && !status.getLockInfo().getUseAsyncCommit()) {
            assertThat(isUndecided(holder)).isTrue();
            if (holder.state == State.PREWRITTEN) {
                assertThat(status.getAction()).isEqualTo(Action.MinCommitTSPushed);
                assertThat(status.getLockInfo().getMinCommitTs()).isGreaterThan(version);
                count(Seen.PUSHED);
            }
            return true;
        }
        long commitTs = status.getLockTtl() > 0 ? asyncCommitTs(status.getLockInfo()) : status.getCommitVersion();
        if (isUndecided(holder)) {
            assertThat(commitTs).isZero();
            assertThat(status.getAction()).isEqualTo(Action.TTLExpireRollback);
            rolledBack(holder);
        }
        assertThat(commitTs).as("fate of %s", holder.startTs).isEqualTo(holder.commitTs);
        db.resolved(holder.startTs, commitTs);
        holder.unfinished.clear();
        count(Seen.RESOLVED);
        return true;
    }

    /** All prewritten: committed at the largest of their min_commit_ts (P3). */
    private long asyncCommitTs(LockInfo primary) {
        String[] secondaries = primary.getSecondariesList().stream()
                .map(key -> key.toStringUtf8())
                .toArray(String[]::new);
        CheckSecondaryLocksResponse response = db.checkSecondaries(primary.getLockVersion(), secondaries);
        if (response.getCommitTs() != 0) {
            return response.getCommitTs();
        }
        assertThat(response.getLocksCount()).isEqualTo(secondaries.length);
        return LongStream.concat(
                        LongStream.of(primary.getMinCommitTs()),
                        response.getLocksList().stream().mapToLong(LockInfo::getMinCommitTs))
                .max()
                .orElseThrow();
    }

    private void read(long version) {
        readMax = Math.max(readMax, version);
        Reading reading = db.reading(version);
        List<KvPair> pairs = reading.scan("", "", KEYS.size()).getPairsList();
        while (pairs.stream().anyMatch(KvPair::hasError)) {
            for (KvPair pair : pairs) {
                if (pair.hasError() && resolve(pair.getError().getLocked(), version)) {
                    reading.resolved(pair.getError().getLocked().getLockVersion());
                }
            }
            pairs = reading.scan("", "", KEYS.size()).getPairsList();
        }

        List<String> expected = model.scan(version);
        assertThat(shown(pairs)).as("scan at %s", version).isEqualTo(expected);
        List<String> reversed = new ArrayList<>(expected);
        Collections.reverse(reversed);
        assertThat(shown(reading.reverseScan("z", "", KEYS.size()).getPairsList()))
                .as("reverse scan at %s", version)
                .isEqualTo(reversed);
        assertThat(shown(reading.batchGet(KEYS.toArray(String[]::new)).getPairsList()))
                .as("batch get at %s", version)
                .isEqualTo(expected);
        for (String key : KEYS) {
            assertThat(reading.value(key)).as("%s at %s", key, version).isEqualTo(model.get(key, version));
        }
        assertThat(shown(reading.scan("c", "f", 2).getPairsList()))
                .as("limited scan at %s", version)
                .isEqualTo(expected.stream()
                        .filter(pair -> pair.compareTo("c") >= 0 && pair.compareTo("f") < 0)
                        .limit(2)
                        .toList());
    }

    /** Up to below the oldest transaction under way, after every lock down there is resolved, as it must be. */
    private void collectGarbage() {
        long safePoint = txns.values().stream()
                        .filter(txn -> txn.state == State.OPEN || txn.state == State.PREWRITTEN)
                        .mapToLong(txn -> txn.startTs)
                        .min()
                        .orElse(now)
                - 1;
        if (safePoint <= readable) {
            return;
        }
        for (LockInfo lock : db.scanLocks("", "", safePoint, 0).getLocksList()) {
            resolve(lock, safePoint);
        }
        readMax = Math.max(readMax, safePoint);
        readable = safePoint;
        txns.values().removeIf(txn -> txn.startTs <= safePoint && txn.unfinished.isEmpty());
        db.gc(safePoint);
        count(Seen.COLLECTED);
    }
}
