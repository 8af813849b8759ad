package io.rutile.client.raw;

import com.google.protobuf.ByteString;
import io.opentelemetry.context.Context;
import io.rutile.client.KvClientException;
import io.rutile.client.KvClientException.Kind;
import io.rutile.client.ReadFrom;
import io.rutile.client.region.Anchor;
import io.rutile.client.region.Backoff;
import io.rutile.client.region.KeySpace;
import io.rutile.client.region.RegionBatches;
import io.rutile.client.region.RegionBatches.PartSender;
import io.rutile.client.region.RegionCall;
import io.rutile.client.region.RegionSender;
import io.rutile.client.region.RegionSender.Answer;
import io.rutile.client.rpc.CallDeadline;
import io.rutile.client.rpc.Futures;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.SharedBytes;
import io.rutile.protocol.WireLimits;
import io.rutile.trace.TraceParent;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The raw API. Futures fail with {@link io.rutile.client.KvClientException}; values are shared, not copied. Safe from any
 * thread.
 *
 * <p>TTLs are in whole seconds; {@link Duration#ZERO} means "for ever". A cluster without TTL refuses any other ({@code
 * INVALID}).
 */
public final class RawKv {

    /** Bytes of one batch request. */
    private static final long BATCH_BYTES_MAX = 1 << 20;

    private final RegionSender regions;
    private final KeySpace keys;
    private final RawCalls calls;
    private final Duration timeout;
    private final ReadFrom readFrom;

    /**
     * @param regions not closed here
     * @param keys how keys are written; {@link KeySpace#rawV1} or {@link KeySpace#rawV2}
     * @param timeout one deadline for a call, retries included; for a paged scan, for each page
     */
    public RawKv(RegionSender regions, KeySpace keys, Duration timeout) {
        this(regions, keys, timeout, ReadFrom.LEADER);
    }

    private RawKv(RegionSender regions, KeySpace keys, Duration timeout, ReadFrom readFrom) {
        if (timeout.isNegative() || timeout.isZero()) {
            throw new IllegalArgumentException("timeout must be positive: " + timeout);
        }
        if (keys.mode() != KeySpace.Mode.RAW) {
            throw new IllegalArgumentException("these are keys of transactions");
        }
        this.regions = regions;
        this.keys = keys;
        this.timeout = timeout;
        this.readFrom = readFrom;
        calls = new RawCalls(keys);
    }

    /** The same store with another deadline for each call. */
    public RawKv withTimeout(Duration other) {
        return new RawKv(regions, keys, other, readFrom);
    }

    /**
     * The same store, its reads served by others; writes and swaps are the leader's.
     *
     * @throws IllegalArgumentException {@link ReadFrom#STALE}: a pair has no versions that could be settled
     */
    public RawKv withReadFrom(ReadFrom other) {
        if (other == ReadFrom.STALE) {
            throw new IllegalArgumentException("raw pairs have no versions to read at");
        }
        return new RawKv(regions, keys, timeout, other);
    }

    /** A pair; the value is empty if a scan asked for keys only. */
    @SuppressWarnings("ArrayRecordComponent") // Values are shared, not copied, and never compared here.
    public record Pair(ByteKey key, byte[] value) {}

    /**
     * What to scan.
     *
     * @param range which keys
     * @param limit at most so many pairs, 0 to {@link Integer#MAX_VALUE}
     * @param reverse from the end of the range down
     * @param keysOnly leave values out
     */
    public record ScanRequest(KeyRange range, int limit, boolean reverse, boolean keysOnly) {

        public ScanRequest {
            if (limit < 0) {
                throw new IllegalArgumentException("limit is negative: " + limit);
            }
        }
    }

    /** Takes pairs as they come. */
    public interface PairConsumer {

        /** Called in key order, one at a time. The scan goes on when the future completes: that is the back-pressure. */
        CompletableFuture<Void> accept(List<Pair> pairs);
    }

    /**
     * What became of a swap.
     *
     * @param succeeded whether the value was swapped
     * @param previous what was there before, null if nothing
     */
    @SuppressWarnings("ArrayRecordComponent")
    public record SwapResult(boolean succeeded, byte @Nullable [] previous) {}

    public CompletableFuture<Optional<byte[]>> get(ByteKey key) {
        return one(key, wire -> calls.get(wire).from(readFrom), response -> {
            RawErrors.check("RawGet", response.getError());
            return response.getNotFound() ? Optional.empty() : Optional.of(SharedBytes.of(response.getValue()));
        });
    }

    /** An earlier attempt whose answer was lost is repeated: the value is written at least once. */
    public CompletableFuture<Void> put(ByteKey key, byte[] value, Duration ttl) {
        return checkingTtl(
                ttl,
                seconds -> one(key, wire -> calls.put(wire, value, seconds), response -> {
                    RawErrors.check("RawPut", response.getError());
                    return null;
                }));
    }

    public CompletableFuture<Void> delete(ByteKey key) {
        return one(key, calls::delete, response -> {
            RawErrors.check("RawDelete", response.getError());
            return null;
        });
    }

    /** Only keys that are there are in the answer. */
    public CompletableFuture<Map<ByteKey, byte[]>> batchGet(List<ByteKey> wanted) {
        Map<ByteKey, byte[]> found = new ConcurrentHashMap<>();
        RegionBatches<ByteKey> batch =
                keyBatches((part, backoff) -> send(calls.batchGet(part).from(readFrom), part.get(0), backoff)
                        .thenAccept(answer -> {
                            RawErrors.check("RawBatchGet", answer.response().getPairsList());
                            answer.response()
                                    .getPairsList()
                                    .forEach(pair -> found.put(
                                            user(keys, "RawBatchGet", pair.getKey()), SharedBytes.of(pair.getValue())));
                        }));
        return Futures.bare(batch.carryOut(sorted(wanted), backoff()).thenApply(done -> found));
    }

    /** Not atomic over keys: a failure may leave some written. */
    public CompletableFuture<Void> batchPut(Map<ByteKey, byte[]> pairs, Duration ttl) {
        List<Pair> sorted = pairs.entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .map(entry -> new Pair(keys.toWire(entry.getKey()), entry.getValue()))
                .toList();
        return checkingTtl(ttl, seconds -> {
            RegionBatches<Pair> batch = new RegionBatches<>(
                    regions,
                    pair -> keys.border(pair.key()),
                    RawKv::bytesOf,
                    BATCH_BYTES_MAX,
                    (part, backoff) -> send(
                                    calls.batchPut(part, seconds), part.get(0).key(), backoff)
                            .thenAccept(answer -> RawErrors.check(
                                    "RawBatchPut", answer.response().getError())));
            return Futures.bare(batch.carryOut(sorted, backoff()));
        });
    }

    public CompletableFuture<Void> batchDelete(List<ByteKey> unwanted) {
        RegionBatches<ByteKey> batch = keyBatches((part, backoff) -> send(calls.batchDelete(part), part.get(0), backoff)
                .thenAccept(answer ->
                        RawErrors.check("RawBatchDelete", answer.response().getError())));
        return Futures.bare(batch.carryOut(sorted(unwanted), backoff()));
    }

    /** Deletes every key of the range, Region by Region; a failure may leave the upper part of it. */
    public CompletableFuture<Void> deleteRange(KeyRange range) {
        if (range.isEmpty()) {
            return CompletableFuture.completedFuture(null);
        }
        return Futures.bare(deleteFrom(keys.toWire(range), backoff()));
    }

    private CompletableFuture<Void> deleteFrom(KeyRange rest, Backoff backoff) {
        return send(calls.deleteRange(rest), rest.start(), backoff).thenCompose(answer -> {
            RawErrors.check("RawDeleteRange", answer.response().getError());
            ByteKey border = answer.region().range().end();
            if (border.isEmpty()) {
                return CompletableFuture.completedFuture(null);
            }
            KeyRange beyond = new KeyRange(keys.firstKeyAt(border), rest.end());
            return beyond.isEmpty() ? CompletableFuture.completedFuture(null) : deleteFrom(beyond, backoff.fork());
        });
    }

    /** The first pairs of a range, at most {@link WireLimits#SCAN_PAIRS_MAX} of them in memory; one deadline for all pages. */
    public CompletableFuture<List<Pair>> scan(ScanRequest request) {
        ScanRequest bounded = new ScanRequest(
                request.range(),
                Math.min(request.limit(), WireLimits.SCAN_PAIRS_MAX),
                request.reverse(),
                request.keysOnly());
        List<Pair> all = new ArrayList<>();
        Backoff backoff = backoff();
        ScanPages pages = new ScanPages(regions, keys, readFrom, bounded, backoff::fork, pairs -> {
            all.addAll(pairs);
            return CompletableFuture.completedFuture(null);
        });
        return Futures.bare(pages.run().thenApply(done -> all));
    }

    /**
     * Any number of pairs, page by page. Completes after the last page was taken. The deadline is for each page, without the time
     * that the consumer takes; a failure of the consumer's future ends the scan and is its outcome.
     */
    public CompletableFuture<Void> scan(ScanRequest request, PairConsumer consumer) {
        // Later pages are asked for by whoever takes them.
        Context trace = TraceParent.current();
        Supplier<Backoff> perPage = () -> new Backoff(CallDeadline.after(timeout), trace);
        return Futures.bare(new ScanPages(regions, keys, readFrom, request, perPage, consumer).run());
    }

    /** Empty if the key is not there; zero if it has no expiry. */
    public CompletableFuture<Optional<Duration>> timeToLive(ByteKey key) {
        return one(key, wire -> calls.timeToLive(wire).from(readFrom), response -> {
            RawErrors.check("RawGetKeyTTL", response.getError());
            return response.getNotFound() ? Optional.empty() : Optional.of(Duration.ofSeconds(response.getTtl()));
        });
    }

    /**
     * Never repeated once it may have reached a store: then it fails with {@code UNDETERMINED}.
     *
     * @param expected the value that must be there, null for "nothing"
     * @param update the new value, null to delete
     */
    public CompletableFuture<SwapResult> compareAndSwap(
            ByteKey key, byte @Nullable [] expected, byte @Nullable [] update, Duration ttl) {
        return checkingTtl(
                ttl,
                seconds -> one(key, wire -> calls.compareAndSwap(wire, expected, update, seconds), response -> {
                    RawErrors.check("RawCompareAndSwap", response.getError());
                    return new SwapResult(
                            response.getSucceed(),
                            response.getPreviousNotExist() ? null : SharedBytes.of(response.getPreviousValue()));
                }));
    }

    /** One key's call: whatever becomes of the Region, the key is in exactly one. */
    private <Q, R, T> CompletableFuture<T> one(
            ByteKey key, Function<ByteKey, RegionCall<Q, R>> call, Function<R, T> read) {
        ByteKey wire = keys.toWire(key);
        return Futures.bare(send(call.apply(wire), wire, backoff()).thenApply(answer -> read.apply(answer.response())));
    }

    /** @param wire where the Region is looked for */
    private <Q, R> CompletableFuture<Answer<R>> send(RegionCall<Q, R> call, ByteKey wire, Backoff backoff) {
        return regions.send(call, Anchor.at(keys.border(wire)), backoff);
    }

    private RegionBatches<ByteKey> keyBatches(PartSender<ByteKey> sender) {
        return new RegionBatches<>(regions, keys::border, RawKv::bytesOf, BATCH_BYTES_MAX, sender);
    }

    /**
     * The key of an answer as the application knows it.
     *
     * @throws KvClientException {@code SERVER} if it is of another keyspace: nobody asked for it
     */
    static ByteKey user(KeySpace keys, String method, ByteString wire) {
        return user(keys, method, ByteKey.of(wire));
    }

    static ByteKey user(KeySpace keys, String method, ByteKey wire) {
        try {
            return keys.fromWire(wire);
        } catch (IllegalArgumentException foreign) {
            throw new KvClientException(
                    Kind.SERVER, method + ": the store answered with " + foreign.getMessage(), null, foreign);
        }
    }

    private Backoff backoff() {
        return new Backoff(CallDeadline.after(timeout));
    }

    private static <T> CompletableFuture<T> checkingTtl(Duration ttl, LongFunction<CompletableFuture<T>> call) {
        if (ttl.isNegative() || !ttl.equals(ttl.truncatedTo(ChronoUnit.SECONDS))) {
            return CompletableFuture.failedFuture(new KvClientException(
                    Kind.INVALID, "a TTL is a whole number of seconds, 0 for ever, not " + ttl, null, null));
        }
        return call.apply(ttl.toSeconds());
    }

    /** Each key once, in wire form and in order. */
    private List<ByteKey> sorted(List<ByteKey> user) {
        return user.stream().map(keys::toWire).distinct().sorted().toList();
    }

    private static long bytesOf(ByteKey key) {
        return key.bytes().length;
    }

    private static long bytesOf(Pair pair) {
        return (long) pair.key().bytes().length + pair.value().length;
    }
}
