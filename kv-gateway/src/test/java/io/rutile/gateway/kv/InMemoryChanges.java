package io.rutile.gateway.kv;

import io.rutile.client.KvClientException;
import io.rutile.client.feed.Change;
import io.rutile.client.feed.ChangeBatch;
import io.rutile.client.feed.FeedFailures;
import io.rutile.client.feed.FeedPosition;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.TimeStamp;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A history in memory that is settled as soon as it is written. Tests may collect its garbage and see who watches. */
public final class InMemoryChanges implements ChangeSource {

    private static final int BATCH_MAX = 50;
    private static final long FIRST = TimeStamp.of(1_700_000_000_000L, 0).value();

    /** What was committed, by commit timestamp. */
    private final TreeMap<Long, TreeMap<ByteKey, byte @Nullable []>> history = new TreeMap<>();

    private final List<MemoryFeed> open = new ArrayList<>();
    private long now = FIRST;
    private long safePoint;
    private int opened;

    /** Forgets everything, and lets an hour pass: who watches from now on shares no feed with who did before, whose end is not told at once. */
    public synchronized void reset() {
        List.copyOf(open).forEach(MemoryFeed::close);
        now += 3_600_000L << TimeStamp.LOGICAL_BITS;
        history.clear();
        safePoint = 0;
        opened = 0;
    }

    /** A transaction that writes one key. @return when it was committed */
    public TimeStamp commit(ByteKey key, byte @Nullable [] value) {
        TreeMap<ByteKey, byte @Nullable []> one = new TreeMap<>();
        one.put(key, value);
        return commit(one);
    }

    public TimeStamp commit(Map<ByteKey, byte @Nullable []> writes) {
        List<MemoryFeed> told;
        TimeStamp at;
        synchronized (this) {
            // A millisecond later.
            now += TimeStamp.LOGICAL_COUNT;
            at = new TimeStamp(now);
            history.put(now, new TreeMap<>(writes));
            told = List.copyOf(open);
        }
        told.forEach(MemoryFeed::answer);
        return at;
    }

    /** Versions up to there may be gone. */
    public synchronized void collectGarbage(TimeStamp upTo) {
        safePoint = upTo.value();
    }

    /** Nothing is committed for so long. */
    public void pass(long millis) {
        List<MemoryFeed> told;
        synchronized (this) {
            now += millis << TimeStamp.LOGICAL_BITS;
            told = List.copyOf(open);
        }
        told.forEach(MemoryFeed::answer);
    }

    public synchronized int openFeeds() {
        return open.size();
    }

    /** Since the last reset. */
    public synchronized int feedsOpened() {
        return opened;
    }

    @Override
    public synchronized CompletableFuture<TimeStamp> now() {
        return CompletableFuture.completedFuture(new TimeStamp(now));
    }

    @Override
    public synchronized CompletableFuture<Feed> open(KeyRange range, FeedPosition from, long bufferBytesMax) {
        MemoryFeed feed = new MemoryFeed(range, from);
        open.add(feed);
        opened++;
        return CompletableFuture.completedFuture(feed);
    }

    private final class MemoryFeed implements Feed {

        private final KeyRange range;
        private FeedPosition position;
        private @Nullable CompletableFuture<ChangeBatch> wanted;
        private boolean closed;
        private boolean checked;

        MemoryFeed(KeyRange range, FeedPosition from) {
            this.range = range;
            this.position = from;
        }

        @Override
        public CompletableFuture<ChangeBatch> next() {
            CompletableFuture<ChangeBatch> answer = new CompletableFuture<>();
            synchronized (InMemoryChanges.this) {
                if (wanted != null) {
                    throw new IllegalStateException("the last call has not been answered");
                }
                if (closed) {
                    return CompletableFuture.failedFuture(gone());
                }
                wanted = answer;
            }
            answer();
            return answer;
        }

        void answer() {
            CompletableFuture<ChangeBatch> waiting;
            ChangeBatch batch = null;
            synchronized (InMemoryChanges.this) {
                waiting = wanted;
                if (waiting == null || closed) {
                    return;
                }
                boolean tooOld = !checked && position.checkpoint().value() < safePoint;
                checked = true;
                if (!tooOld) {
                    batch = batch();
                    if (batch == null) {
                        return;
                    }
                    position = batch.position();
                }
                wanted = null;
            }
            if (batch == null) {
                waiting.completeExceptionally(FeedFailures.tooOld(position));
            } else {
                waiting.complete(batch);
            }
        }

        private @Nullable ChangeBatch batch() {
            List<Change> changes = new ArrayList<>();
            for (Map.Entry<Long, TreeMap<ByteKey, byte @Nullable []>> at :
                    history.tailMap(position.ts().value(), true).entrySet()) {
                TimeStamp ts = new TimeStamp(at.getKey());
                int count = 0;
                for (Map.Entry<ByteKey, byte @Nullable []> write : at.getValue().entrySet()) {
                    if (!range.contains(write.getKey())) {
                        continue;
                    }
                    FeedPosition behind = new FeedPosition(ts, ++count);
                    if (behind.compareTo(position) > 0) {
                        changes.add(new Change(write.getKey(), write.getValue(), ts, behind));
                    }
                    if (changes.size() == BATCH_MAX) {
                        return new ChangeBatch(changes, behind);
                    }
                }
            }
            FeedPosition reached = FeedPosition.after(new TimeStamp(now));
            return changes.isEmpty() && reached.compareTo(position) <= 0 ? null : new ChangeBatch(changes, reached);
        }

        private KvClientException gone() {
            return new KvClientException(KvClientException.Kind.UNAVAILABLE, "the feed is closed", null, null);
        }

        @Override
        public void close() {
            CompletableFuture<ChangeBatch> waiting;
            synchronized (InMemoryChanges.this) {
                closed = true;
                open.remove(this);
                waiting = wanted;
                wanted = null;
            }
            if (waiting != null) {
                waiting.completeExceptionally(gone());
            }
        }
    }
}
