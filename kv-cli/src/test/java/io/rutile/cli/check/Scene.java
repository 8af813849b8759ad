package io.rutile.cli.check;

import io.rutile.cli.check.TxnRecord.Interval;
import io.rutile.protocol.TimeStamp;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A transaction for a history made by hand: {@code txn(1).read("x", 1, 2).append("x", 3).ok()}. By itself it overlaps every other one
 * and has no timestamps, so that only what its steps say counts.
 */
final class Scene {

    private static final Interval ALL_THE_TIME = new Interval(0, 1_000);

    private final long id;
    private final List<Step> steps = new ArrayList<>();
    private Interval time = ALL_THE_TIME;
    private long startTs;
    private long commitTs;

    private Scene(long id) {
        this.id = id;
    }

    static Scene txn(long id) {
        return new Scene(id);
    }

    Scene during(long begunNanos, long endedNanos) {
        time = new Interval(begunNanos, endedNanos);
        return this;
    }

    Scene stamped(long start, long commit) {
        startTs = start;
        commitTs = commit;
        return this;
    }

    Scene read(String key, long... seen) {
        steps.add(Step.read(key, Arrays.stream(seen).boxed().toList()));
        return this;
    }

    Scene append(String key, long element) {
        steps.add(Step.append(key, element));
        return this;
    }

    Scene write(String key, long value) {
        steps.add(Step.write(key, value));
        return this;
    }

    TxnRecord ok() {
        return ended(Outcome.OK);
    }

    TxnRecord failed() {
        return ended(Outcome.FAILED);
    }

    TxnRecord unknown() {
        return ended(Outcome.UNKNOWN);
    }

    private TxnRecord ended(Outcome outcome) {
        return new TxnRecord(id, (int) id, time, new TimeStamp(startTs), new TimeStamp(commitTs), outcome, steps, "");
    }
}
