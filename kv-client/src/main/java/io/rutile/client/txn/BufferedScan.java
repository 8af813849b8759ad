package io.rutile.client.txn;

import io.rutile.client.txn.TxnReader.Pair;
import io.rutile.client.txn.TxnReader.PairConsumer;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.kvrpcpb.Op;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NavigableMap;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Lays a transaction's own writes over the pages of a scan: what it wrote hides what is stored, what it deleted is left out. Keys
 * are in wire form. Threads: one page follows the other.
 */
final class BufferedScan implements SnapshotScan.PageSink {

    private final PairConsumer consumer;
    private final boolean reverse;
    private final boolean keysOnly;
    private final Iterator<TxnMutation> own;
    private @Nullable TxnMutation nextOwn;
    private long wanted;

    /** @param own the writes in the scanned range, in key order */
    BufferedScan(
            NavigableMap<ByteKey, TxnMutation> own,
            boolean reverse,
            boolean keysOnly,
            long limit,
            PairConsumer consumer) {
        this.consumer = consumer;
        this.reverse = reverse;
        this.keysOnly = keysOnly;
        this.wanted = limit;
        this.own = (reverse ? own.descendingMap() : own).values().iterator();
        advance();
    }

    private void advance() {
        nextOwn = null;
        while (nextOwn == null && own.hasNext()) {
            TxnMutation next = own.next();
            nextOwn = next.op() == Op.Lock ? null : next;
        }
    }

    @Override
    public long wanted() {
        return wanted;
    }

    @Override
    public CompletableFuture<Void> accept(List<Pair> stored) {
        List<Pair> merged = new ArrayList<>(stored.size());
        for (Pair pair : stored) {
            takeOwn(pair.key(), merged, Integer.MAX_VALUE);
            TxnMutation hiding = nextOwn;
            if (hiding != null && hiding.key().equals(pair.key())) {
                add(hiding, merged);
                advance();
            } else if (wanted > 0) {
                merged.add(pair);
                wanted--;
            }
        }
        return merged.isEmpty() ? CompletableFuture.completedFuture(null) : consumer.accept(merged);
    }

    /** What is behind the last stored pair. Goes on in a loop while the consumer keeps up. */
    CompletableFuture<Void> finish() {
        while (wanted > 0 && nextOwn != null) {
            List<Pair> page = new ArrayList<>();
            takeOwn(null, page, SnapshotScan.PAGE_PAIRS);
            CompletableFuture<Void> taken =
                    page.isEmpty() ? CompletableFuture.completedFuture(null) : consumer.accept(page);
            if (!taken.isDone() || taken.isCompletedExceptionally()) {
                return taken.thenCompose(done -> finish());
            }
        }
        return CompletableFuture.completedFuture(null);
    }

    /** @param before take only what comes in front of this key; null for all */
    private void takeOwn(@Nullable ByteKey before, List<Pair> into, int pairsMax) {
        TxnMutation next = nextOwn;
        while (next != null
                && wanted > 0
                && into.size() < pairsMax
                && (before == null || isBefore(next.key(), before))) {
            add(next, into);
            advance();
            next = nextOwn;
        }
    }

    private boolean isBefore(ByteKey a, ByteKey b) {
        return reverse ? a.compareTo(b) > 0 : a.compareTo(b) < 0;
    }

    private void add(TxnMutation write, List<Pair> into) {
        boolean value = write.op() == Op.Put || write.op() == Op.Insert;
        if (value && wanted > 0) {
            into.add(new Pair(write.key(), keysOnly ? TxnMutation.NO_VALUE : write.value()));
            wanted--;
        }
    }
}
