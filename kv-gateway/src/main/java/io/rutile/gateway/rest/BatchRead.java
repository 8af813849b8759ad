package io.rutile.gateway.rest;

import io.rutile.client.raw.RawKv.Pair;
import io.rutile.gateway.kv.Deadline;
import io.rutile.gateway.kv.GatewayLimits.Permit;
import io.rutile.gateway.kv.KvOperations;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.WireLimits;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * Reads many keys, a slice after the other, until the answer is full. The next slice is as large as would just fit if all its values
 * were as big as the biggest so far: thousands of small values take a few calls, and a few large ones do not fill the memory.
 */
final class BatchRead {

    private static final long ANSWER_BYTES_MAX = WireLimits.MESSAGE_BYTES_MAX;
    private static final int FIRST_SLICE_KEYS = 64;
    private static final int SLICE_KEYS_MAX = 2_048;

    private final KvOperations kv;
    private final List<ByteKey> keys;
    private final Permit permit;
    private final Deadline deadline;

    private final List<Pair> found = new ArrayList<>();
    private long bytes;
    private int biggestBytes = 1;

    BatchRead(KvOperations kv, List<ByteKey> keys, Permit permit, Deadline deadline) {
        this.kv = kv;
        this.keys = keys;
        this.permit = permit;
        this.deadline = deadline;
    }

    /**
     * What was read.
     *
     * @param pairs those that are there, in the order of the request
     * @param unread keys that nobody looked at
     */
    record Result(List<Pair> pairs, List<ByteKey> unread) {}

    CompletableFuture<Result> run() {
        return from(0, FIRST_SLICE_KEYS);
    }

    private CompletableFuture<Result> from(int start, int sliceKeys) {
        if (start == keys.size() || bytes >= ANSWER_BYTES_MAX) {
            return CompletableFuture.completedFuture(new Result(found, keys.subList(start, keys.size())));
        }
        List<ByteKey> slice = keys.subList(start, Math.min(keys.size(), start + sliceKeys));
        return kv.batchGet(slice, deadline).thenCompose(values -> {
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
