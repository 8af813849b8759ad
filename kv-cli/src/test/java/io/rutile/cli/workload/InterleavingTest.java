package io.rutile.cli.workload;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.cli.check.Anomaly.Kind;
import io.rutile.cli.check.ListAppendChecker;
import io.rutile.cli.check.Outcome;
import io.rutile.cli.check.TxnRecord;
import io.rutile.cli.check.TxnRecord.Interval;
import io.rutile.cli.check.Verdict;
import io.rutile.cli.workload.ModelStore.Bug;
import io.rutile.protocol.TimeStamp;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Random interleavings of transactions in one thread, the same for the same seed: what the list checker says of many small histories. */
class InterleavingTest {

    private static final long SEED = Long.getLong("seed", System.nanoTime());
    private static final int HISTORIES = 300;
    private static final int OPEN = 4;
    private static final int TRANSACTIONS = 60;
    private static final int KEYS = 3;

    @Test
    void noHistoryOfSnapshotIsolationIsSuspected() {
        for (int i = 0; i < HISTORIES; i++) {
            Verdict verdict = new ListAppendChecker().check(history(Bug.NONE, SEED + i));
            assertThat(verdict.isClean())
                    .as("seed " + (SEED + i) + ": " + verdict)
                    .isTrue();
        }
    }

    @Test
    void mostHistoriesWithTimestampsFromThePastAreSuspected() {
        assertThat(suspected(Bug.IGNORE_MAX_TS)).isGreaterThan(HISTORIES * 9 / 10);
    }

    @Test
    void mostHistoriesWithoutAConflictCheckAreSuspected() {
        assertThat(suspected(Bug.SKIP_CONFLICT_CHECK)).isGreaterThan(HISTORIES * 9 / 10);
    }

    private static int suspected(Bug bug) {
        int suspected = 0;
        for (int i = 0; i < HISTORIES; i++) {
            if (new ListAppendChecker().check(history(bug, SEED + i)).has(Kind.G_SINGLE)) {
                suspected++;
            }
        }
        return suspected;
    }

    private static List<TxnRecord> history(Bug bug, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        ModelStore store = new ModelStore(bug);
        List<TxnRecord> history = new ArrayList<>();
        List<Open> open = new ArrayList<>();
        long now = 0;
        for (int begun = 0; begun < TRANSACTIONS || !open.isEmpty(); ) {
            now++;
            if (begun < TRANSACTIONS && open.size() < OPEN) {
                open.add(new Open(++begun, now, store.begin(Locking.OPTIMISTIC)));
                continue;
            }
            Open one = open.get(random.nextInt(open.size()));
            if (one.stepsLeft-- > 0) {
                one.step(random, now);
            } else {
                open.remove(one);
                history.add(one.end(random, now));
            }
        }
        return history;
    }

    /** A transaction under way. */
    private static final class Open {

        private final long id;
        private final long begunNanos;
        private final StoreTxn txn;
        private final RecordedTxn recorded;
        private int stepsLeft = 3;

        Open(long id, long begunNanos, StoreTxn txn) {
            this.id = id;
            this.begunNanos = begunNanos;
            this.txn = txn;
            this.recorded = new RecordedTxn(txn);
        }

        void step(SplittableRandom random, long element) {
            String key = "k" + random.nextInt(KEYS);
            if (random.nextInt(3) == 0) {
                recorded.append(key, element);
            } else {
                recorded.read(key);
            }
        }

        /** Some answers get lost: then the outcome is unknown, whatever it is. */
        TxnRecord end(SplittableRandom random, long now) {
            boolean isLost = random.nextInt(10) == 0;
            try {
                TimeStamp commitTs = txn.commit();
                return isLost ? record(Outcome.UNKNOWN, TimeStamp.ZERO, now) : record(Outcome.OK, commitTs, now);
            } catch (StoreFailure conflict) {
                return record(isLost ? Outcome.UNKNOWN : Outcome.FAILED, TimeStamp.ZERO, now);
            }
        }

        private TxnRecord record(Outcome outcome, TimeStamp commitTs, long now) {
            return new TxnRecord(
                    id,
                    (int) id,
                    new Interval(begunNanos, now),
                    txn.startTs(),
                    commitTs,
                    outcome,
                    recorded.steps(),
                    "");
        }
    }
}
