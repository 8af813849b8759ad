package io.rutile.gateway.console;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.LongSupplier;
import tools.jackson.databind.JsonNode;

/**
 * Answers of PD that many viewers share: whoever asks while the same question is under way, or was answered a moment ago, gets that
 * answer. So PD is asked as often for a hundred open consoles as for one. At most {@value #ANSWERS_MAX} answers are kept, the ones used
 * last; failures are shared, too, but for {@link #FAILURE_FRESH} only. Safe from any thread.
 */
final class PdAnswers {

    static final int ANSWERS_MAX = 32;
    static final Duration FRESH = Duration.ofSeconds(1);
    static final Duration FAILURE_FRESH = Duration.ofMillis(250);

    private final Function<String, CompletableFuture<JsonNode>> pd;
    private final LongSupplier nanoClock;

    /** By question; the one used last goes last. Guarded by itself. */
    private final Map<String, Shared> answers = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Shared> eldest) {
            return size() > ANSWERS_MAX;
        }
    };

    private record Shared(CompletableFuture<JsonNode> answer, long askedNanos) {}

    /** @param nanoClock monotonic */
    PdAnswers(Function<String, CompletableFuture<JsonNode>> pd, LongSupplier nanoClock) {
        this.pd = pd;
        this.nanoClock = nanoClock;
    }

    CompletableFuture<JsonNode> get(String path) {
        return get(path, FRESH);
    }

    /** @param fresh how old the answer may be, counted from the question */
    CompletableFuture<JsonNode> get(String path, Duration fresh) {
        CompletableFuture<JsonNode> mine = new CompletableFuture<>();
        synchronized (answers) {
            long now = nanoClock.getAsLong();
            Shared known = answers.get(path);
            if (known != null) {
                long freshNanos = (known.answer().isCompletedExceptionally() ? FAILURE_FRESH : fresh).toNanos();
                if (!known.answer().isDone() || now - known.askedNanos() < freshNanos) {
                    return known.answer().copy();
                }
            }
            answers.put(path, new Shared(mine, now));
        }
        // Not under the lock: it may be answered at once.
        CompletableFuture<?> unused = pd.apply(path).whenComplete((answer, failure) -> {
            if (failure == null) {
                mine.complete(answer);
            } else {
                mine.completeExceptionally(failure);
            }
        });
        return mine.copy();
    }

    /** Something was changed: everything is asked anew. */
    void forget() {
        synchronized (answers) {
            answers.clear();
        }
    }

    int size() {
        synchronized (answers) {
            return answers.size();
        }
    }
}
