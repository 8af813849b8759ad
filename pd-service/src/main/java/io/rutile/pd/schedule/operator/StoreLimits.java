package io.rutile.pd.schedule.operator;

import io.rutile.pd.schedule.operator.OperatorLimits.PerMinute;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Tokens for replicas that come to a store and leave it: a bucket each, as deep as a minute's worth. A small Region costs less
 * than a whole token, for what it costs is little more than the command. Not safe for concurrent use; belongs to the
 * controller's lock.
 */
public final class StoreLimits {

    /** Below this a Region is small. */
    private static final long SMALL_BYTES = 20 << 20;

    private static final double SMALL_COST = 0.2;

    private final Supplier<OperatorLimits.Stores> limits;
    private final Map<Key, Bucket> buckets = new HashMap<>();

    /** What the tokens are for. */
    public enum Kind {
        ADD,
        REMOVE
    }

    private record Key(long storeId, Kind kind) {}

    private record Bucket(double tokens, long atNanos) {}

    public StoreLimits(Supplier<OperatorLimits.Stores> limits) {
        this.limits = limits;
    }

    /** What moving a Region costs. */
    public static double cost(long regionBytes) {
        return regionBytes < SMALL_BYTES ? SMALL_COST : 1;
    }

    /** True if one more replica may come or go now. */
    public boolean allows(long storeId, Kind kind, long nowNanos) {
        return perMinute(storeId, kind) > 0 && tokens(storeId, kind, nowNanos) > 0;
    }

    /** Takes tokens, down to a debt of one replica. */
    public void take(long storeId, Kind kind, double cost, long nowNanos) {
        double left = tokens(storeId, kind, nowNanos) - cost;
        buckets.put(new Key(storeId, kind), new Bucket(left, nowNanos));
    }

    /** How many tokens there are, at most a minute's worth. */
    public double tokens(long storeId, Kind kind, long nowNanos) {
        double perMinute = perMinute(storeId, kind);
        double full = Math.max(1, perMinute);
        Bucket bucket = buckets.get(new Key(storeId, kind));
        if (bucket == null) {
            return full;
        }
        double minutes = (double) (nowNanos - bucket.atNanos()) / TimeUnit.MINUTES.toNanos(1);
        return Math.min(full, bucket.tokens() + minutes * perMinute);
    }

    private double perMinute(long storeId, Kind kind) {
        PerMinute limit = limits.get().of(storeId);
        return kind == Kind.ADD ? limit.added() : limit.removed();
    }
}
