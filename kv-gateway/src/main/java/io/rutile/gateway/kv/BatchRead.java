package io.rutile.gateway.kv;

import io.rutile.client.raw.RawKv.Pair;
import io.rutile.gateway.kv.GatewayLimits.Permit;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.WireLimits;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/**
 * Reads many keys, a slice after the other, until the answer is full. The next slice is as large as would just fit if all its values
 * were as big as the biggest so far: thousands of small values take a few calls, and a few large ones do not fill the memory.
 */
public final class BatchRead {

    /** Bytes of values at which an answer is full. */
    public static final long ANSWER_BYTES_MAX = WireLimits.MESSAGE_BYTES_MAX;

    private static final int FIRST_SLICE_KEYS = 64;
    private static final int SLICE_KEYS_MAX = 2_048;

    private final Function<List<ByteKey>, CompletableFuture<Map<ByteKey, byte[]>>> reader;
    private final List<ByteKey> keys;
    private final Permit permit;

    private final List<Pair> found = new ArrayList<>();
    private long bytes;
    private int biggestBytes = 1;

    /**
     * @param reader reads a slice; only keys that are there are in its answer
     * @param permit where room for the values is reserved
     */
    public BatchRead(
            Function<List<ByteKey>, CompletableFuture<Map<ByteKey, byte[]>>> reader,
            List<ByteKey> keys,
            Permit permit) {
        this.reader = reader;
        this.keys = keys;
        this.permit = permit;
    }

    /**
     * What was read.
     *
     * @param pairs those that are there, in the order of the request
     * @param unread keys that nobody looked at
     */
    public record Result(List<Pair> pairs, List<ByteKey> unread) {}

    public CompletableFuture<Result> run() {
        return from(0, FIRST_SLICE_KEYS);
    }

    private CompletableFuture<Result> from(int start, int sliceKeys) {
        if (start == keys.size() || bytes >= ANSWER_BYTES_MAX) {
            return CompletableFuture.completedFuture(new Result(found, keys.subList(start, keys.size())));
        }
        List<ByteKey> slice = keys.subList(start, Math.min(keys.size(), start + sliceKeys));
        return reader.apply(slice).thenCompose(values -> {
            take(slice, values);
            long fitting = (ANSWER_BYTES_MAX - bytes) / biggestBytes;
            return from(start + slice.size(), (int) Math.max(1, Math.min(fitting, SLICE_KEYS_MAX)));
        });
    }

    private void take(List<ByteKey> slice, Map<ByteKey, byte[]> values) {
        long sliceBytes = 0;
        for (byte[] value : values.values()) {
            sliceBytes += value.length;
            biggestBytes = Math.max(biggestBytes, value.length);
        }
        permit.reserve(sliceBytes);
        bytes += sliceBytes;
        for (ByteKey key : slice) {
            byte[] value = values.get(key);
            if (value != null) {
                found.add(new Pair(key, value));
            }
        }
    }
}
