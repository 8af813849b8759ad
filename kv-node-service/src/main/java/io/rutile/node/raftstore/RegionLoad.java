package io.rutile.node.raftstore;

import io.rutile.protocol.ByteKey;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.WriteBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * How many requests a replica serves and, while that is many ({@link LoadSplitChecker} says when), an even sample of which keys they
 * touch.
 *
 * <p>Counting costs an addition and a volatile read, 3 ns. While it is sampled, one request in {@link #ONE_IN} hands its keys over under
 * a lock, some 50 ns; 6 to 12 ns a request on two busy cores. At most {@link #SAMPLES_MAX} samples of two keys of {@link #KEY_BYTES_MAX} bytes are kept, 64 KiB,
 * and none while a Region isn't busy. Safe from any thread.
 */
final class RegionLoad {

    static final int SAMPLES_MAX = 128;

    /** Of a longer key the beginning is enough to say where it lies. */
    static final int KEY_BYTES_MAX = 256;

    /** A power of two. */
    private static final int ONE_IN = 8;

    /**
     * What one request touched, as Region borders are written.
     *
     * @param first smallest key
     * @param last greatest key; the same for a point
     */
    record Touched(ByteKey first, ByteKey last) {}

    private final LongAdder requests = new LongAdder();
    private volatile @Nullable Reservoir reservoir;

    /** Counts a request. True if it should tell which keys it touches. */
    boolean request() {
        requests.increment();
        return reservoir != null && (ThreadLocalRandom.current().nextInt() & (ONE_IN - 1)) == 0;
    }

    long requests() {
        return requests.sum();
    }

    /** Begins a new sample; what was sampled before is forgotten. */
    void sample() {
        reservoir = new Reservoir();
    }

    void stopSampling() {
        reservoir = null;
    }

    /** What was sampled since {@link #sample}. */
    List<Touched> samples() {
        Reservoir now = reservoir;
        return now == null ? List.of() : now.kept();
    }

    /** Keys as they are stored, in any order. */
    void touched(Cf cf, byte[] one, byte[] other) {
        ByteKey first = border(cf, one);
        ByteKey last = one == other ? first : border(cf, other);
        touched(first.compareTo(last) <= 0 ? new Touched(first, last) : new Touched(last, first));
    }

    void touched(WriteBatch batch) {
        ByteKey first = null;
        ByteKey last = null;
        for (WriteBatch.Op op : batch.ops()) {
            ByteKey key = null;
            if (op instanceof WriteBatch.Put put) {
                key = border(put.cf(), put.key().bytes());
            } else if (op instanceof WriteBatch.Delete delete) {
                key = border(delete.cf(), delete.key().bytes());
            }
            if (key != null) {
                first = first == null || key.compareTo(first) < 0 ? key : first;
                last = last == null || key.compareTo(last) > 0 ? key : last;
            }
        }
        if (first != null && last != null) {
            touched(new Touched(first, last));
        }
    }

    private void touched(Touched sample) {
        Reservoir now = reservoir;
        if (now != null) {
            now.offer(sample);
        }
    }

    /** Without the timestamp that versions carry, and not too long. */
    private static ByteKey border(Cf cf, byte[] stored) {
        boolean stamped = (cf == Cf.WRITE || cf == Cf.DEFAULT) && stored.length > Long.BYTES;
        int length = Math.min(KEY_BYTES_MAX, stamped ? stored.length - Long.BYTES : stored.length);
        return ByteKey.wrap(length == stored.length ? stored : Arrays.copyOf(stored, length));
    }

    /** Keeps each of what it was offered with the same probability (Vitter's algorithm R). */
    private static final class Reservoir {

        private final List<Touched> kept = new ArrayList<>(SAMPLES_MAX);
        private long offered;

        synchronized void offer(Touched sample) {
            offered++;
            if (kept.size() < SAMPLES_MAX) {
                kept.add(sample);
                return;
            }
            long place = ThreadLocalRandom.current().nextLong(offered);
            if (place < SAMPLES_MAX) {
                kept.set((int) place, sample);
            }
        }

        synchronized List<Touched> kept() {
            return List.copyOf(kept);
        }
    }
}
