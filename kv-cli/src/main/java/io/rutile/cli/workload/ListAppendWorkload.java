package io.rutile.cli.workload;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.stream.IntStream;

/**
 * Reads of lists and appends of unique elements to them, one to four in a transaction, over a few lists at a time. A list that is long
 * enough is left alone and a new one takes its place, so that values stay small however long the run is.
 */
public final class ListAppendWorkload implements Workload {

    private static final int SLOTS = 5;
    private static final int STEPS_MAX = 4;

    /** Appends begun on a list before the next one takes its place; those that fail count too. */
    private static final int APPENDS_MAX = 32;

    private static final int FINAL_READ_KEYS = 64;

    private final String prefix;
    private final AtomicLong elements = new AtomicLong();
    private final AtomicLongArray appendsBySlot = new AtomicLongArray(SLOTS);
    private final ConcurrentSkipListSet<String> used = new ConcurrentSkipListSet<>();

    /** @param prefix of all its keys, which nobody else uses */
    public ListAppendWorkload(String prefix) {
        this.prefix = prefix + "list-";
    }

    @Override
    public String name() {
        return "append";
    }

    @Override
    public Map<String, Long> parameters() {
        return Map.of();
    }

    /** Between the slots, wherever their lists have got to. */
    @Override
    public List<String> splitKeys() {
        return IntStream.range(0, SLOTS).mapToObj(slot -> prefix + slot).toList();
    }

    @Override
    public void prepare(TxnClient client) {
        // Lists that nobody has appended to are empty.
    }

    @Override
    public void step(TxnClient client, SplittableRandom random) {
        if (random.nextInt(8) == 0) {
            List<String> all = new ArrayList<>();
            for (int slot = 0; slot < SLOTS; slot++) {
                all.add(list(slot));
            }
            client.run(Locking.OPTIMISTIC, txn -> txn.readAll(all));
            return;
        }
        int steps = random.nextInt(1, STEPS_MAX + 1);
        client.run(Locking.OPTIMISTIC, txn -> {
            for (int i = 0; i < steps; i++) {
                int slot = random.nextInt(SLOTS);
                if (random.nextBoolean()) {
                    txn.read(list(slot));
                } else {
                    appendsBySlot.incrementAndGet(slot);
                    txn.append(list(slot), elements.incrementAndGet());
                }
            }
        });
    }

    private String list(int slot) {
        String key = prefix + slot + "-" + appendsBySlot.get(slot) / APPENDS_MAX;
        used.add(key);
        return key;
    }

    @Override
    public void finish(TxnClient client) throws InterruptedException {
        List<String> all = new ArrayList<>(new TreeSet<>(used));
        for (int from = 0; from < all.size(); from += FINAL_READ_KEYS) {
            List<String> some = all.subList(from, Math.min(all.size(), from + FINAL_READ_KEYS));
            client.runUntilDone(Locking.OPTIMISTIC, txn -> txn.readAll(some));
        }
    }
}
