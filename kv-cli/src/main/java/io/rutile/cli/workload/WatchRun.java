package io.rutile.cli.workload;

import io.rutile.cli.check.WatchChecker.Seen;
import io.rutile.client.feed.Change;
import io.rutile.client.feed.ChangeBatch;
import io.rutile.client.feed.ChangeFeed;
import io.rutile.client.feed.ChangeFeedOptions;
import io.rutile.client.feed.FeedPosition;
import io.rutile.client.txn.TxnKv;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.TimeStamp;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Somebody who watches a prefix while a workload runs; goes away now and then, at any moment, and goes on from the position that it has kept
 * as a text. Its feed's buffer is small, so that stores are asked again. One thread, {@code watcher}.
 */
public final class WatchRun {

    /** Batches from one coming to the next. */
    private static final int STAY_MAX = 200;

    private static final long BUFFER_BYTES = 64 << 10;
    private static final Duration PAUSE = Duration.ofMillis(500);
    private static final Duration STEP = Duration.ofSeconds(1);

    private final TxnKv txn;
    private final KeyRange range;
    private final SplittableRandom random;
    private final List<Seen> seen = new ArrayList<>();
    private final Thread thread;
    private String token;
    private volatile @Nullable TimeStamp end;
    private volatile @Nullable Throwable failure;
    private volatile boolean cameToTheEnd;

    private WatchRun(TxnKv txn, KeyRange range, TimeStamp from, long seed) {
        this.txn = txn;
        this.range = range;
        this.random = new SplittableRandom(seed);
        this.token = FeedPosition.after(from).token(range);
        this.thread = new Thread(this::run, "watcher");
    }

    /** Begins now: whatever is committed after this returns is to be told. */
    public static WatchRun start(TxnKv txn, String prefix, long seed) {
        KeyRange range = new KeyRange(key(prefix), key(prefix + Character.MAX_VALUE));
        WatchRun run = new WatchRun(txn, range, txn.currentTimestamp().join(), seed);
        run.thread.setDaemon(true);
        run.thread.start();
        return run;
    }

    private static ByteKey key(String text) {
        return ByteKey.wrap(text.getBytes(StandardCharsets.UTF_8));
    }

    private void run() {
        try {
            while (!cameToTheEnd) {
                stay(random.nextInt(1, STAY_MAX));
                if (random.nextInt(4) == 0) {
                    TimeUnit.MILLISECONDS.sleep(random.nextLong(PAUSE.toMillis()));
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException | ExecutionException e) {
            failure = e;
        }
    }

    private void stay(int batches) throws InterruptedException, ExecutionException {
        try (ChangeFeed feed =
                txn.changes(range, FeedPosition.parse(token, range), new ChangeFeedOptions(BUFFER_BYTES))) {
            for (int i = 0; i < batches && !cameToTheEnd; i++) {
                ChangeBatch batch = await(feed);
                if (!batch.changes().isEmpty() && random.nextInt(50) == 0) {
                    // In the middle, perhaps of a transaction.
                    take(batch.changes()
                            .subList(0, random.nextInt(1, batch.changes().size() + 1)));
                    return;
                }
                take(batch.changes());
                token = batch.position().token(range);
                TimeStamp until = end;
                cameToTheEnd = until != null && batch.position().ts().compareTo(until) > 0;
            }
        }
    }

    /** However long it takes: who leads is killed, and PD with it. */
    private static ChangeBatch await(ChangeFeed feed) throws InterruptedException, ExecutionException {
        var next = feed.next();
        while (true) {
            try {
                return next.get(STEP.toMillis(), TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                // Not yet.
            }
        }
    }

    private void take(List<Change> changes) {
        for (Change change : changes) {
            seen.add(new Seen(change.commitTs().value(), new String(change.key().bytes(), StandardCharsets.UTF_8)));
            token = change.position().token(range);
        }
    }

    /**
     * Waits until it was told of everything that is committed now.
     *
     * @return what it was told, in order
     * @throws IllegalStateException in words if it failed, or doesn't come to the end in time
     */
    public List<Seen> finish(Duration patience) throws InterruptedException {
        end = txn.currentTimestamp().join();
        thread.join(patience.toMillis());
        Throwable why = failure;
        if (why != null) {
            throw new IllegalStateException("the watcher failed: " + why.getMessage(), why);
        }
        if (!cameToTheEnd) {
            thread.interrupt();
            throw new IllegalStateException("the watcher has not come to the end within " + patience);
        }
        return List.copyOf(seen);
    }

    /** Ends it, wherever it is. */
    public void abandon() {
        thread.interrupt();
    }
}
