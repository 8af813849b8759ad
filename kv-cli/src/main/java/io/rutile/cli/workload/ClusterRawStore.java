package io.rutile.cli.workload;

import io.rutile.client.KvClientException;
import io.rutile.client.raw.RawKv;
import io.rutile.protocol.ByteKey;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A cluster, through its raw API. */
public final class ClusterRawStore implements RawStore {

    /** A call that is not answered long after its own deadline never is. */
    private static final Duration ANSWER_WAIT = Duration.ofSeconds(60);

    private final RawKv raw;

    /** @param raw with the deadline that calls have; not closed here */
    public ClusterRawStore(RawKv raw) {
        this.raw = raw;
    }

    @Override
    public void put(ByteKey key, byte[] value) {
        Void unused = answer(raw.put(key, value, Duration.ZERO));
    }

    @Override
    public Optional<byte[]> get(ByteKey key) {
        return answer(raw.get(key));
    }

    @Override
    public Map<ByteKey, byte[]> getAll(List<ByteKey> keys) {
        return answer(raw.batchGet(keys));
    }

    private static <T> T answer(CompletableFuture<T> call) {
        try {
            return call.get(ANSWER_WAIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof KvClientException failure) {
                throw failure;
            }
            throw new IllegalStateException("a call failed with what no caller expects: " + e.getCause(), e);
        } catch (TimeoutException e) {
            throw new IllegalStateException("a call was not answered for " + ANSWER_WAIT.toSeconds() + " s", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }
}
