package io.rutile.client.txn;

import io.opentelemetry.context.Context;
import io.rutile.client.region.Backoff;
import io.rutile.client.region.KeySpace;
import io.rutile.client.rpc.Futures;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.WireLimits;
import io.rutile.trace.TraceParent;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/**
 * What the cluster held at one moment. It holds no resources. A reader never waits for writers that can be told to commit later;
 * others it waits for, and cleans up after dead ones.
 */
public final class TxnSnapshot implements TxnReader {

    private final SnapshotReads reads;
    private final KeySpace keys;
    private final Duration timeout;

    TxnSnapshot(SnapshotReads reads, Duration timeout) {
        this.reads = reads;
        this.keys = reads.requests().keys();
        this.timeout = timeout;
    }

    @Override
    public TimeStamp startTs() {
        return reads.version();
    }

    @Override
    public CompletableFuture<Optional<byte[]>> get(ByteKey key) {
        return Futures.bare(reads.get(keys.toWire(key), backoff()));
    }

    /**
     * A value and when it came.
     *
     * @param commitTs the moment from which it is seen
     */
    @SuppressWarnings("ArrayRecordComponent") // Values are shared, not copied, and never compared here.
    public record Versioned(byte[] value, TimeStamp commitTs) {}

    /** What {@link #get} shows, with the moment of its commit. A commit under way is waited for, where {@code get} need not. */
    public CompletableFuture<Optional<Versioned>> getVersioned(ByteKey key) {
        return Futures.bare(reads.getVersioned(keys.toWire(key), backoff()));
    }

    @Override
    public CompletableFuture<Map<ByteKey, byte[]>> batchGet(List<ByteKey> wanted) {
        List<ByteKey> sorted =
                TxnRequests.sorted(wanted.stream().map(keys::toWire).toList());
        return Futures.bare(reads.batchGet(sorted, backoff()).thenApply(this::toUser));
    }

    Map<ByteKey, byte[]> toUser(Map<ByteKey, byte[]> wire) {
        Map<ByteKey, byte[]> user = new HashMap<>();
        wire.forEach((key, value) -> user.put(keys.fromWire(key), value));
        return user;
    }

    @Override
    public CompletableFuture<List<Pair>> scan(ScanRequest request) {
        List<Pair> all = new ArrayList<>();
        Backoff backoff = backoff();
        return Futures.bare(scan(bounded(request), backoff::fork, pairs -> {
                    all.addAll(pairs);
                    return CompletableFuture.completedFuture(null);
                })
                .thenApply(done -> all));
    }

    @Override
    public CompletableFuture<Void> scan(ScanRequest request, PairConsumer consumer) {
        // Later pages are asked for by whoever takes them.
        Context trace = TraceParent.current();
        return Futures.bare(scan(request, () -> TxnRequests.within(timeout, trace), consumer));
    }

    private CompletableFuture<Void> scan(ScanRequest request, Supplier<Backoff> pageBackoff, PairConsumer consumer) {
        SnapshotScan.PageSink sink = new SnapshotScan.PageSink() {

            private long wanted = request.limit();

            @Override
            public long wanted() {
                return wanted;
            }

            @Override
            public CompletableFuture<Void> accept(List<Pair> pairs) {
                wanted -= pairs.size();
                return consumer.accept(pairsToUser(keys, pairs));
            }
        };
        return new SnapshotScan(
                        reads, keys.toWire(request.range()), request.reverse(), request.keysOnly(), pageBackoff, sink)
                .run();
    }

    static ScanRequest bounded(ScanRequest request) {
        return new ScanRequest(
                request.range(),
                Math.min(request.limit(), WireLimits.SCAN_PAIRS_MAX),
                request.reverse(),
                request.keysOnly());
    }

    static List<Pair> pairsToUser(KeySpace keys, List<Pair> wire) {
        return wire.stream()
                .map(pair -> new Pair(keys.fromWire(pair.key()), pair.value()))
                .toList();
    }

    private Backoff backoff() {
        return TxnRequests.within(timeout);
    }
}
