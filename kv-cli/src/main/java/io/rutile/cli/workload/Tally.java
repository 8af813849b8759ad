package io.rutile.cli.workload;

import io.rutile.cli.check.Outcome;
import io.rutile.cli.check.TxnRecord;
import java.util.concurrent.atomic.LongAdder;

/** How many transactions had which outcome so far. Safe from any thread. */
public final class Tally {

    private final LongAdder ok = new LongAdder();
    private final LongAdder failed = new LongAdder();
    private final LongAdder unknown = new LongAdder();

    void count(TxnRecord txn) {
        switch (txn.outcome()) {
            case OK -> ok.increment();
            case FAILED -> failed.increment();
            case UNKNOWN -> unknown.increment();
        }
    }

    public long of(Outcome outcome) {
        return switch (outcome) {
            case OK -> ok.sum();
            case FAILED -> failed.sum();
            case UNKNOWN -> unknown.sum();
        };
    }

    @Override
    public String toString() {
        return ok + " ok, " + failed + " failed, " + unknown + " unknown";
    }
}
