package io.rutile.gateway.kv;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;

/**
 * How much of the gateway one caller may have, so that nobody shuts out everybody else. Immutable.
 *
 * @param max the most of each; what is not in it has no bound
 */
public record CallerQuota(Map<Bound, Long> max) {

    /** For everybody together, at a gateway that asks nobody. */
    public static final CallerQuota NONE = new CallerQuota(Map.of());

    /** What is counted. Labels are part of the access file. */
    public enum Bound {
        REQUESTS("requests", "the caller has %d requests under way, which is as many as one may have"),
        /** Of keys and values, of requests under way. */
        BYTES("bytes", "the caller's requests would hold more than %d bytes"),
        REQUESTS_PER_SECOND("requestsPerSecond", "the caller asks more than %d times a second"),
        TRANSACTIONS("transactions", "the caller has %d transactions open, which is as many as one may have"),
        /** That open transactions have written. */
        TRANSACTION_BYTES("transactionBytes", "the caller's open transactions would hold more than %d bytes"),
        WATCHERS("watchers", "the caller has %d watchers, which is as many as one may have");

        private final String label;
        private final String exceeded;

        Bound(String label, String exceeded) {
            this.label = label;
            this.exceeded = exceeded;
        }

        public String label() {
            return label;
        }

        /** The bound of this label. */
        public static Optional<Bound> of(String label) {
            return Arrays.stream(values())
                    .filter(bound -> bound.label.equals(label))
                    .findFirst();
        }
    }

    public CallerQuota {
        max = max.isEmpty() ? Map.of() : Map.copyOf(max);
        if (max.values().stream().anyMatch(most -> most < 1)) {
            throw new IllegalArgumentException("a caller may have at least 1 of everything: " + max);
        }
    }

    /** {@link Long#MAX_VALUE} if there is no bound. */
    public long max(Bound bound) {
        return max.getOrDefault(bound, Long.MAX_VALUE);
    }

    /** The same, but for what is said of some bounds. */
    public CallerQuota with(Map<Bound, Long> said) {
        if (said.isEmpty()) {
            return this;
        }
        Map<Bound, Long> both = new EnumMap<>(Bound.class);
        both.putAll(max);
        both.putAll(said);
        return new CallerQuota(both);
    }

    /** What a caller is told who wants more. */
    FailureException exceeded(Bound bound) {
        Failure.Kind kind = bound == Bound.WATCHERS ? Failure.Kind.TOO_MANY_WATCHES : Failure.Kind.TOO_MANY_REQUESTS;
        return new FailureException(kind.because(bound.exceeded.formatted(max(bound))));
    }
}
