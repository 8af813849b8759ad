package io.rutile.cli.bench;

import io.rutile.cli.bench.load.Arrivals;
import io.rutile.cli.bench.load.BenchFailure;
import io.rutile.cli.bench.load.Dataset;
import io.rutile.cli.bench.load.Distribution;
import io.rutile.cli.bench.load.KeyChoice;
import io.rutile.client.raw.RawKv;
import io.rutile.protocol.ByteKey;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** Gets and puts of the raw API that don't block; a loaded key that is not there is a failure. */
final class RawRequests implements Arrivals.Calls {

    private final RawKv raw;
    private final Dataset data;
    private final KeyChoice choice;
    private final int getPercent;

    /**
     * @param raw whose deadline is each request's
     * @param getPercent how many of a hundred are gets
     */
    RawRequests(RawKv raw, Dataset data, Distribution distribution, int getPercent) {
        this.raw = raw;
        this.data = data;
        this.choice = distribution.over(data.inserts());
        this.getPercent = getPercent;
    }

    @Override
    public CompletableFuture<?> begin(SplittableRandom random) {
        boolean get = getPercent > 0 && random.nextInt(100) < getPercent;
        ByteKey key = ByteKey.wrap(data.keys().key(choice.next(random)).getBytes(StandardCharsets.US_ASCII));
        if (!get) {
            return raw.put(key, data.keys().randomValue(random), Duration.ZERO);
        }
        return raw.get(key).thenAccept(value -> {
            if (value.isEmpty()) {
                throw new CompletionException(new BenchFailure("missing", "a loaded key is not there"));
            }
        });
    }
}
