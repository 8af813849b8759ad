package io.rutile.cli.bench.subject;

import io.rutile.cli.bench.load.BenchFailure;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** What all subjects do with their calls. */
final class Calls {

    /** One operation, retries of the client included. */
    static final Duration TIMEOUT = Duration.ofSeconds(10);

    /** Pairs of one request while loading. */
    static final int LOAD_BATCH_PAIRS = 256;

    private Calls() {}

    /** Calls have a deadline of their own; the longer one here only says when something is badly wrong. */
    static <T> T await(Future<T> call) throws Exception {
        try {
            return call.get(2 * TIMEOUT.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        } catch (TimeoutException e) {
            throw new BenchFailure("no answer", "a call never answered");
        }
    }

    static BenchFailure missing() {
        return new BenchFailure("missing", "a loaded key is not there");
    }

    static byte[] bytes(String key) {
        return key.getBytes(StandardCharsets.US_ASCII);
    }
}
