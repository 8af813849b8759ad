package io.rutile.gateway.grpc;

import com.google.protobuf.ByteString;
import io.rutile.client.feed.FeedPosition;
import io.rutile.client.raw.RawKv.ScanRequest;
import io.rutile.gateway.access.TxnDoor;
import io.rutile.gateway.kv.AtomicCall;
import io.rutile.gateway.kv.AtomicCall.Condition;
import io.rutile.gateway.kv.BatchRead;
import io.rutile.gateway.kv.Failure.Kind;
import io.rutile.gateway.kv.FailureException;
import io.rutile.gateway.kv.IdempotencyKey;
import io.rutile.gateway.kv.KvOperations;
import io.rutile.gateway.kv.PrefixRange;
import io.rutile.gateway.v1.CommitRequest;
import io.rutile.gateway.v1.ExecuteRequest;
import io.rutile.gateway.v1.Operation;
import io.rutile.gateway.v1.Pair;
import io.rutile.gateway.v1.Scan;
import io.rutile.gateway.v1.WatchRequest;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.SharedBytes;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.WireLimits;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads what requests say, and checks it (E1). Methods throw {@link FailureException}. Numbers of the wire are unsigned. */
final class Requests {

    /** So that an answer fits into the 4 MiB that clients take by default. */
    static final long READ_BYTES_DEFAULT = (4 << 20) - (64 << 10);

    private Requests() {}

    static ByteKey key(ByteString bytes) {
        if (bytes.size() > WireLimits.KEY_BYTES_MAX) {
            throw invalid("a key has " + bytes.size() + " bytes, more than " + WireLimits.KEY_BYTES_MAX);
        }
        return ByteKey.of(bytes);
    }

    static byte[] value(ByteString bytes) {
        if (bytes.size() > WireLimits.ENTRY_BYTES_MAX) {
            throw new FailureException(Kind.TOO_LARGE.because(
                    "a value has " + bytes.size() + " bytes, more than " + WireLimits.ENTRY_BYTES_MAX,
                    "RaftEntryTooLarge"));
        }
        return SharedBytes.of(bytes);
    }

    static List<ByteKey> keys(List<ByteString> keys) {
        checkCount("the batch", keys.size(), WireLimits.BATCH_ITEMS_MAX);
        return keys.stream().map(Requests::key).toList();
    }

    /** In the order of the request; of a key that comes twice the later value. */
    static Map<ByteKey, byte[]> pairs(List<Pair> pairs) {
        checkCount("the batch", pairs.size(), WireLimits.BATCH_ITEMS_MAX);
        Map<ByteKey, byte[]> inOrder = new LinkedHashMap<>();
        pairs.forEach(pair -> inOrder.put(key(pair.getKey()), value(pair.getValue())));
        return inOrder;
    }

    /** The same, where it would not be known which value stays. */
    static Map<ByteKey, byte[]> distinctPairs(List<Pair> pairs) {
        Map<ByteKey, byte[]> distinct = pairs(pairs);
        if (distinct.size() != pairs.size()) {
            throw invalid("a key is there twice");
        }
        return distinct;
    }

    static Duration ttl(long seconds) {
        if (seconds < 0 || seconds > KvOperations.TTL_MAX.toSeconds()) {
            throw invalid("ttl_seconds is from 0 (for ever) to " + KvOperations.TTL_MAX.toSeconds());
        }
        return Duration.ofSeconds(seconds);
    }

    /** @param what names it in the failure */
    static Duration millis(long count, long min, Duration max, String what) {
        if (count < min || count > max.toMillis()) {
            throw invalid(what + " is from " + min + " to " + max.toMillis());
        }
        return Duration.ofMillis(count);
    }

    static TimeStamp timestamp(long value) {
        if (value == 0) {
            throw invalid("ts is a start_ts or commit_ts: not 0");
        }
        return new TimeStamp(value);
    }

    /** No limit unless one is given; 0 is one. */
    static ScanRequest scan(Scan scan) {
        long limit = scan.getLimit();
        boolean endless = !scan.hasLimit() || limit < 0 || limit > Integer.MAX_VALUE;
        return scan(scan, endless ? Integer.MAX_VALUE : (int) limit);
    }

    private static ScanRequest scan(Scan scan, int limit) {
        KeyRange range = switch (scan.getKeysCase()) {
            case RANGE ->
                new KeyRange(
                        key(scan.getRange().getStart()), key(scan.getRange().getEnd()));
            case PREFIX -> PrefixRange.of(key(scan.getPrefix()));
            case KEYS_NOT_SET -> KeyRange.ALL;
        };
        return new ScanRequest(range, limit, scan.getReverse(), scan.getKeysOnly());
    }

    /** @throws FailureException if no key can be in it */
    static KeyRange range(WatchRequest request) {
        KeyRange range = switch (request.getKeysCase()) {
            case RANGE ->
                new KeyRange(
                        key(request.getRange().getStart()),
                        key(request.getRange().getEnd()));
            case PREFIX -> PrefixRange.of(key(request.getPrefix()));
            case KEYS_NOT_SET -> KeyRange.ALL;
        };
        if (range.isEmpty()) {
            throw invalid("no key is in the range");
        }
        return range;
    }

    /** @return null for "from now on" */
    static @Nullable FeedPosition position(String text, KeyRange range) {
        try {
            return text.isEmpty() ? null : FeedPosition.parse(text, range);
        } catch (IllegalArgumentException e) {
            throw invalid("position: " + e.getMessage());
        }
    }

    static AtomicCall atomicCall(ExecuteRequest request) {
        checkCount("compare", request.getCompareCount(), AtomicCall.ITEMS_MAX);
        checkCount("then", request.getThenCount(), AtomicCall.ITEMS_MAX);
        checkCount("otherwise", request.getOtherwiseCount(), AtomicCall.ITEMS_MAX);
        return new AtomicCall(
                request.getCompareList().stream().map(Requests::condition).toList(),
                request.getThenList().stream().map(Requests::operation).toList(),
                request.getOtherwiseList().stream().map(Requests::operation).toList());
    }

    static long readBytesMax(ExecuteRequest request) {
        if (!request.hasReadBytesMax()) {
            return READ_BYTES_DEFAULT;
        }
        long bytes = request.getReadBytesMax();
        if (bytes < 0 || bytes > BatchRead.ANSWER_BYTES_MAX) {
            throw invalid("read_bytes_max is from 0 to " + BatchRead.ANSWER_BYTES_MAX);
        }
        return bytes;
    }

    /** The name of an atomic call. All else that it says distinguishes it from other calls under that name. */
    static IdempotencyKey idempotencyKey(TxnDoor door, ExecuteRequest request) {
        return idempotencyKey(
                door,
                request.getIdempotencyKey(),
                "Execute",
                request.toBuilder().clearIdempotencyKey().build().toByteArray());
    }

    /** The name of a commit. */
    static IdempotencyKey idempotencyKey(TxnDoor door, CommitRequest request) {
        return idempotencyKey(
                door,
                request.getIdempotencyKey(),
                "Commit",
                request.getTransactionId().getBytes(StandardCharsets.UTF_8));
    }

    private static IdempotencyKey idempotencyKey(TxnDoor door, String name, String method, byte[] what) {
        IdempotencyKey key = door.idempotencyKey(name, method.getBytes(StandardCharsets.UTF_8), what);
        if (key == null) {
            throw invalid("idempotency_key has 1 to " + IdempotencyKey.LENGTH_MAX
                    + " printable characters of ASCII without spaces");
        }
        return key;
    }

    private static Condition condition(io.rutile.gateway.v1.Condition condition) {
        ByteKey key = key(condition.getKey());
        return switch (condition.getWantedCase()) {
            case EQUALS -> Condition.equals(key, value(condition.getEquals()));
            case EXISTS -> Condition.exists(key, condition.getExists());
            case WANTED_NOT_SET -> throw invalid("a condition has either equals or exists");
        };
    }

    private static AtomicCall.Operation operation(Operation operation) {
        return switch (operation.getOperationCase()) {
            case GET -> new AtomicCall.Get(key(operation.getGet()));
            case PUT ->
                new AtomicCall.Put(
                        key(operation.getPut().getKey()),
                        value(operation.getPut().getValue()));
            case DELETE -> new AtomicCall.Delete(key(operation.getDelete()));
            case SCAN -> boundedScan(operation.getScan());
            case OPERATION_NOT_SET -> throw invalid("an operation is one of get, put, delete and scan");
        };
    }

    private static AtomicCall.Operation boundedScan(Scan scan) {
        long limit = scan.getLimit();
        if (limit < 1 || limit > WireLimits.SCAN_PAIRS_MAX) {
            throw invalid("a scan has a limit from 1 to " + WireLimits.SCAN_PAIRS_MAX + " here");
        }
        return new AtomicCall.Scan(scan(scan, (int) limit));
    }

    private static void checkCount(String what, int count, int max) {
        if (count > max) {
            throw new FailureException(Kind.TOO_LARGE.because(what + " has more than " + max + " items"));
        }
    }

    private static FailureException invalid(String detail) {
        return new FailureException(Kind.INVALID_REQUEST.because(detail));
    }
}
