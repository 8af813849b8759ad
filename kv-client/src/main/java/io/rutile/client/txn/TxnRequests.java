package io.rutile.client.txn;

import io.opentelemetry.context.Context;
import io.rutile.client.KvClientException;
import io.rutile.client.KvClientException.Kind;
import io.rutile.client.pd.PdClient;
import io.rutile.client.region.Anchor;
import io.rutile.client.region.Backoff;
import io.rutile.client.region.CallSpan;
import io.rutile.client.region.KeySpace;
import io.rutile.client.region.RegionBatches;
import io.rutile.client.region.RegionBatches.PartSender;
import io.rutile.client.region.RegionCall;
import io.rutile.client.region.RegionSender;
import io.rutile.client.region.RegionSender.Answer;
import io.rutile.client.rpc.CallDeadline;
import io.rutile.client.rpc.ClientTimer;
import io.rutile.client.rpc.ClientTimer.Alarm;
import io.rutile.client.rpc.Futures;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/** How this room reaches Regions, PD and the clock. Keys are in wire form. */
final class TxnRequests {

    /** Bytes of one request: far below what a store takes for one entry of its log, so that no batch holds up a Region. */
    static final long BATCH_BYTES_MAX = 64 << 10;

    private final RegionSender regions;
    private final PdClient pd;
    private final ClientTimer timer;
    private final KeySpace keys;
    private final TxnCalls calls;
    private final KeyErrors errors;

    TxnRequests(RegionSender regions, PdClient pd, ClientTimer timer, KeySpace keys) {
        this.regions = regions;
        this.pd = pd;
        this.timer = timer;
        this.keys = keys;
        calls = new TxnCalls(keys);
        errors = new KeyErrors(keys);
    }

    KeySpace keys() {
        return keys;
    }

    TxnCalls calls() {
        return calls;
    }

    KeyErrors errors() {
        return errors;
    }

    ClientTimer timer() {
        return timer;
    }

    /** @param timeout positive */
    static Backoff within(Duration timeout) {
        return new Backoff(CallDeadline.after(timeout));
    }

    /** @param trace what the call is a part of; null if that is not traced */
    static Backoff within(Duration timeout, @Nullable Context trace) {
        return new Backoff(CallDeadline.after(timeout), trace);
    }

    /** A fresh timestamp; fails with {@code UNAVAILABLE}, no later than the deadline. */
    CompletableFuture<TimeStamp> timestamp(Backoff backoff) {
        CallSpan span = CallSpan.begin(regions.tracing(), "Timestamp", backoff.trace());
        CompletableFuture<TimeStamp> asked = askTimestamp(backoff);
        return span == null ? asked : span.over(asked);
    }

    private CompletableFuture<TimeStamp> askTimestamp(Backoff backoff) {
        CompletableFuture<TimeStamp> result = new CompletableFuture<>();
        Alarm alarm = timer.after(
                backoff.deadline().remainingNanos(),
                () -> result.completeExceptionally(unavailable("no timestamp in time", null)));
        Futures.whenDone(pd.timestamp(), result, (timestamp, failure) -> {
            alarm.cancel();
            if (failure == null) {
                result.complete(timestamp);
            } else {
                Throwable cause = Futures.causeOf(failure);
                result.completeExceptionally(unavailable("no timestamp: " + cause.getMessage(), cause));
            }
        });
        return result;
    }

    private static KvClientException unavailable(String message, @Nullable Throwable cause) {
        return new KvClientException(Kind.UNAVAILABLE, message, null, cause);
    }

    /** One request to the Region that holds the key. */
    <Q, R> CompletableFuture<Answer<R>> send(RegionCall<Q, R> call, ByteKey key, Backoff backoff) {
        return send(call, Anchor.at(keys.border(key)), backoff);
    }

    <Q, R> CompletableFuture<Answer<R>> send(RegionCall<Q, R> call, Anchor anchor, Backoff backoff) {
        return regions.send(call, anchor, backoff);
    }

    /** Requests about many items, by Region, side by side. */
    <T> RegionBatches<T> batches(Function<T, ByteKey> keyOf, ToLongFunction<T> bytesOf, PartSender<T> sender) {
        return new RegionBatches<>(regions, item -> keys.border(keyOf.apply(item)), bytesOf, BATCH_BYTES_MAX, sender);
    }

    /** Requests about many keys. */
    RegionBatches<ByteKey> keyBatches(PartSender<ByteKey> sender) {
        return batches(Function.identity(), key -> key.bytes().length, sender);
    }

    /** Completes after the pause. */
    CompletableFuture<Void> pause(long nanos) {
        CompletableFuture<Void> over = new CompletableFuture<>();
        timer.after(nanos, () -> over.complete(null));
        return over;
    }

    static List<ByteKey> sorted(List<ByteKey> keys) {
        return keys.stream().distinct().sorted().toList();
    }
}
