package io.rutile.cli.workload;

import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Counters that are locked, read and written one greater. Some transactions increment two, in any order, so that they meet in
 * deadlocks too.
 */
public final class PessimisticCounterWorkload implements Workload {

    private static final int COUNTERS = 3;

    private final List<String> counters;

    /** @param prefix of all its keys, which nobody else uses */
    public PessimisticCounterWorkload(String prefix) {
        counters = IntStream.range(0, COUNTERS)
                .mapToObj(i -> prefix + "counter-" + i)
                .toList();
    }

    @Override
    public String name() {
        return "counter";
    }

    @Override
    public Map<String, Long> parameters() {
        return Map.of();
    }

    @Override
    public List<String> splitKeys() {
        return counters;
    }

    @Override
    public void prepare(TxnClient client) {
        // A counter that nobody has incremented is zero.
    }

    @Override
    public void step(TxnClient client, SplittableRandom random) {
        int first = random.nextInt(COUNTERS);
        int second = random.nextInt(4) == 0 ? (first + 1 + random.nextInt(COUNTERS - 1)) % COUNTERS : first;
        client.run(Locking.PESSIMISTIC, txn -> {
            increment(txn, counters.get(first));
            if (second != first) {
                increment(txn, counters.get(second));
            }
        });
    }

    private static void increment(RecordedTxn txn, String counter) {
        List<Long> seen = txn.readForUpdate(counter);
        txn.write(counter, (seen.isEmpty() ? 0 : seen.get(0)) + 1);
    }

    @Override
    public void finish(TxnClient client) throws InterruptedException {
        client.runUntilDone(Locking.OPTIMISTIC, txn -> txn.readAll(counters));
    }
}
