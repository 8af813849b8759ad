package io.rutile.client.txn;

import io.rutile.client.ReadFrom;
import io.rutile.client.region.Backoff;
import io.rutile.client.region.RegionBatches;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.SharedBytes;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.kvrpcpb.BatchGetResponse;
import io.rutile.protocol.kvrpcpb.GetResponse;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.KvPair;
import io.rutile.protocol.kvrpcpb.LockInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Point reads at one timestamp, past the locks of others. Keys are in wire form. No answer is given that may have holes (P7): the
 * guard is asked before a call and after its last answer.
 */
final class SnapshotReads {

    /** A lock that is known to be committed is cleared up in the background. */
    private static final long VERSIONED_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    private final TxnRequests requests;
    private final LockResolver resolver;
    private final TimeStamp version;
    private final SafePoints.Guard guard;
    private final ReadFrom readFrom;
    private final PassedLocks passed = new PassedLocks();

    SnapshotReads(TxnRequests requests, LockResolver resolver, TimeStamp version, SafePoints.Guard guard) {
        this(requests, resolver, version, guard, ReadFrom.LEADER);
    }

    SnapshotReads(
            TxnRequests requests, LockResolver resolver, TimeStamp version, SafePoints.Guard guard, ReadFrom readFrom) {
        this.requests = requests;
        this.resolver = resolver;
        this.version = version;
        this.guard = guard;
        this.readFrom = readFrom;
    }

    ReadFrom readFrom() {
        return readFrom;
    }

    TxnRequests requests() {
        return requests;
    }

    TimeStamp version() {
        return version;
    }

    PassedLocks passed() {
        return passed;
    }

    LockWait lockWait() {
        return LockWait.ofReader(requests, resolver, version, passed);
    }

    CompletableFuture<Optional<byte[]>> get(ByteKey key, Backoff backoff) {
        return whole(() -> get(key, backoff, lockWait()), backoff);
    }

    /** A read whose answer has no holes, or a failure. */
    <T> CompletableFuture<T> whole(Supplier<CompletableFuture<T>> read, Backoff backoff) {
        SnapshotTooOldException refusal = guard.refusal();
        return refusal != null
                ? CompletableFuture.failedFuture(refusal)
                : read.get().thenCompose(answer -> guard.confirm(backoff).thenApply(confirmed -> answer));
    }

    private CompletableFuture<Optional<byte[]>> get(ByteKey key, Backoff backoff, LockWait locks) {
        return requests.send(requests.calls().get(key, version, passed).from(readFrom), key, backoff)
                .thenCompose(answer -> {
                    GetResponse response = answer.response();
                    if (response.hasError()) {
                        return clear("KvGet", List.of(response.getError()), locks, backoff)
                                .thenCompose(cleared -> get(key, backoff, locks));
                    }
                    return CompletableFuture.completedFuture(
                            response.getNotFound()
                                    ? Optional.empty()
                                    : Optional.of(SharedBytes.of(response.getValue())));
                });
    }

    /** Waits until nobody is about to commit the key: only then it is known when. */
    CompletableFuture<Optional<TxnSnapshot.Versioned>> getVersioned(ByteKey key, Backoff backoff) {
        return whole(() -> getVersioned(key, backoff, lockWait()), backoff);
    }

    private CompletableFuture<Optional<TxnSnapshot.Versioned>> getVersioned(
            ByteKey key, Backoff backoff, LockWait locks) {
        return requests.send(requests.calls().getVersioned(key, version).from(readFrom), key, backoff)
                .thenCompose(answer -> {
                    GetResponse response = answer.response();
                    if (response.hasError()) {
                        return clear("KvGet", List.of(response.getError()), locks, backoff)
                                .thenCompose(cleared -> requests.pause(VERSIONED_PAUSE_NANOS))
                                .thenCompose(paused -> getVersioned(key, backoff, locks));
                    }
                    return CompletableFuture.completedFuture(
                            response.getNotFound()
                                    ? Optional.empty()
                                    : Optional.of(new TxnSnapshot.Versioned(
                                            SharedBytes.of(response.getValue()),
                                            new TimeStamp(response.getCommitTs()))));
                });
    }

    /** @param sorted in key order */
    CompletableFuture<Map<ByteKey, byte[]>> batchGet(List<ByteKey> sorted, Backoff backoff) {
        Map<ByteKey, byte[]> found = new ConcurrentHashMap<>();
        RegionBatches<ByteKey> batches =
                requests.keyBatches((part, partBackoff) -> batchGet(part, found, partBackoff, lockWait()));
        return whole(() -> batches.carryOut(sorted, backoff).thenApply(done -> found), backoff);
    }

    /** Keys that were answered are not asked for again. */
    private CompletableFuture<Void> batchGet(
            List<ByteKey> part, Map<ByteKey, byte[]> found, Backoff backoff, LockWait locks) {
        return requests.send(requests.calls().batchGet(part, version, passed).from(readFrom), part.get(0), backoff)
                .thenCompose(answer -> {
                    BatchGetResponse response = answer.response();
                    if (response.hasError()) {
                        return clear("KvBatchGet", List.of(response.getError()), locks, backoff)
                                .thenCompose(cleared -> batchGet(part, found, backoff, locks));
                    }
                    List<KeyError> errors = take(response.getPairsList(), found);
                    if (errors.isEmpty()) {
                        return CompletableFuture.completedFuture(null);
                    }
                    List<LockInfo> met = requests.errors().locks("KvBatchGet", errors, version);
                    List<ByteKey> left = TxnRequests.sorted(
                            met.stream().map(lock -> ByteKey.of(lock.getKey())).toList());
                    return locks.clear(met, backoff).thenCompose(cleared -> batchGet(left, found, backoff, locks));
                });
    }

    private static List<KeyError> take(List<KvPair> pairs, Map<ByteKey, byte[]> found) {
        List<KeyError> errors = new ArrayList<>();
        for (KvPair pair : pairs) {
            if (pair.hasError()) {
                errors.add(pair.getError());
            } else {
                found.put(ByteKey.of(pair.getKey()), SharedBytes.of(pair.getValue()));
            }
        }
        return errors;
    }

    /** Clears the locks that a request met. @throws io.rutile.client.KvClientException if it met something else */
    CompletableFuture<Void> clear(String method, List<KeyError> errors, LockWait locks, Backoff backoff) {
        return locks.clear(requests.errors().locks(method, errors, version), backoff);
    }
}
