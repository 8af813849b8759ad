package io.rutile.client.txn;

import io.rutile.client.region.Backoff;
import io.rutile.client.rpc.ClientTimer.Alarm;
import io.rutile.client.rpc.Futures;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.kvrpcpb.TxnHeartBeatResponse;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a transaction's primary lock alive, and with it all others: they are judged by it. A TTL counts from the start timestamp, so
 * each sign of life asks for the time that has passed and the TTL once more. Ends with the transaction, when the lock is gone, or at
 * the greatest lifetime.
 *
 * <p>Threads: any; the state is guarded by this object.
 */
final class TtlKeeper implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(TtlKeeper.class);

    /** Signs of life in one TTL: two may be lost. */
    private static final int BEATS_PER_TTL = 3;

    private final TxnRequests requests;
    private final TxnMetrics metrics;
    private final TimeStamp startTs;
    private final long begunNanos;
    private final Duration lockTtl;
    private final Duration maxLifetime;
    private @Nullable Alarm next;
    private boolean keeping;
    private boolean closed;

    /** @param begunNanos when the transaction got its start timestamp, on the monotonic clock */
    TtlKeeper(TxnRequests requests, TxnMetrics metrics, TimeStamp startTs, long begunNanos, TxnOptions options) {
        this.requests = requests;
        this.metrics = metrics;
        this.startTs = startTs;
        this.begunNanos = begunNanos;
        this.lockTtl = options.lockTtl();
        this.maxLifetime = options.maxLifetime();
    }

    /** Milliseconds since begin. */
    long elapsedMs() {
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begunNanos);
    }

    /** What a lock written now asks for. */
    long lockTtlMs() {
        return elapsedMs() + lockTtl.toMillis();
    }

    /** Begins, unless it has begun already. */
    synchronized void keep(ByteKey primary) {
        if (!keeping && !closed) {
            keeping = true;
            schedule(primary);
        }
    }

    private synchronized void schedule(ByteKey primary) {
        if (!closed) {
            next = requests.timer().after(lockTtl.toNanos() / BEATS_PER_TTL, () -> beat(primary));
        }
    }

    private void beat(ByteKey primary) {
        synchronized (this) {
            if (closed) {
                return;
            }
        }
        if (elapsedMs() > maxLifetime.toMillis()) {
            lose("it is older than " + maxLifetime);
            return;
        }
        metrics.heartbeat();
        Backoff backoff = TxnRequests.within(lockTtl);
        Futures.whenDone(
                requests.send(requests.calls().heartBeat(primary, startTs, lockTtlMs()), primary, backoff),
                (answer, failure) -> {
                    // A failure to reach the store is no verdict; the lock may live until the next beat.
                    if (failure == null && isGone(answer.response())) {
                        lose("its primary lock is gone");
                    } else {
                        schedule(primary);
                    }
                });
    }

    private static boolean isGone(TxnHeartBeatResponse response) {
        return response.hasError();
    }

    private void lose(String why) {
        boolean news;
        synchronized (this) {
            news = !closed;
        }
        if (news) {
            metrics.heartbeatLost();
            LOG.info("action=locks_not_kept txn={} reason=\"{}\"", startTs, why);
        }
        close();
    }

    synchronized boolean isKeeping() {
        return keeping && !closed;
    }

    @Override
    public synchronized void close() {
        closed = true;
        if (next != null) {
            next.cancel();
        }
    }
}
