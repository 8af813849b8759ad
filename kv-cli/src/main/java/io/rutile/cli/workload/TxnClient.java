package io.rutile.cli.workload;

import io.rutile.cli.check.Outcome;
import io.rutile.cli.check.Step;
import io.rutile.cli.check.TxnRecord;
import io.rutile.cli.check.TxnRecord.Interval;
import io.rutile.protocol.TimeStamp;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** One client: runs transactions one after the other and records each. For one thread. */
public final class TxnClient {

    /** For a store that can't be reached, so that a client does not spin. */
    private static final Duration PAUSE = Duration.ofMillis(20);

    /** How long a transaction that must succeed is tried: longer than an election, a restart and an expired lock together. */
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    private final int number;
    private final TxnStore store;
    private final LongSupplier ids;
    private final LongSupplier clockNanos;
    private final Consumer<TxnRecord> history;

    TxnClient(int number, TxnStore store, LongSupplier ids, LongSupplier clockNanos, Consumer<TxnRecord> history) {
        this.number = number;
        this.store = store;
        this.ids = ids;
        this.clockNanos = clockNanos;
        this.history = history;
    }

    /** Runs one transaction, to its end, and records it; pauses after it if the store could not be reached. */
    TxnRecord run(Locking locking, Consumer<RecordedTxn> body) {
        Attempt attempt = new Attempt(locking);
        TxnRecord record = attempt.run(body);
        history.accept(record);
        if (attempt.unavailable) {
            pause();
        }
        return record;
    }

    /** Runs it until it is committed. @throws StoreFailure if it never is */
    TxnRecord runUntilDone(Locking locking, Consumer<RecordedTxn> body) throws InterruptedException {
        long startNanos = System.nanoTime();
        while (true) {
            TxnRecord record = run(locking, body);
            if (record.outcome() == Outcome.OK) {
                return record;
            }
            if (System.nanoTime() - startNanos > PATIENCE.toNanos()) {
                throw new StoreFailure(
                        StoreFailure.Cause.UNAVAILABLE,
                        record.outcome(),
                        "no transaction was committed for " + PATIENCE.toSeconds() + " s; last: " + record.error(),
                        null);
            }
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
        }
    }

    private static void pause() {
        try {
            TimeUnit.MILLISECONDS.sleep(PAUSE.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** One transaction on its way. */
    private final class Attempt {

        private final Locking locking;
        private final long id = ids.getAsLong();
        private final long begunNanos = clockNanos.getAsLong();
        private @Nullable StoreTxn txn;
        private @Nullable RecordedTxn recorded;
        private boolean unavailable;

        Attempt(Locking locking) {
            this.locking = locking;
        }

        TxnRecord run(Consumer<RecordedTxn> body) {
            try {
                StoreTxn begun = store.begin(locking);
                txn = begun;
                RecordedTxn steps = new RecordedTxn(begun);
                recorded = steps;
                body.accept(steps);
            } catch (StoreFailure failure) {
                // Before commit nothing is written, whatever the answer was.
                return failed(failure, Outcome.FAILED);
            } catch (RuntimeException broken) {
                rollBack();
                throw broken;
            }
            try {
                TimeStamp commitTs = txn.commit();
                return record(Outcome.OK, commitTs, "");
            } catch (StoreFailure failure) {
                return failed(failure, failure.outcome());
            }
        }

        private TxnRecord failed(StoreFailure failure, Outcome outcome) {
            unavailable = failure.why() == StoreFailure.Cause.UNAVAILABLE;
            rollBack();
            return record(outcome, TimeStamp.ZERO, String.valueOf(failure.getMessage()));
        }

        private void rollBack() {
            StoreTxn begun = txn;
            if (begun != null) {
                begun.rollback();
            }
        }

        private TxnRecord record(Outcome outcome, TimeStamp commitTs, String error) {
            StoreTxn begun = txn;
            RecordedTxn done = recorded;
            List<Step> steps = done == null ? List.of() : done.steps();
            return new TxnRecord(
                    id,
                    number,
                    new Interval(begunNanos, clockNanos.getAsLong()),
                    begun == null ? TimeStamp.ZERO : begun.startTs(),
                    commitTs,
                    outcome,
                    steps,
                    error);
        }
    }
}
