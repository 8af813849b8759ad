package io.rutile.gateway.kv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.client.feed.Change;
import io.rutile.client.feed.ChangeBatch;
import io.rutile.client.feed.FeedPosition;
import io.rutile.client.feed.FeedTooOldException;
import io.rutile.client.rpc.Futures;
import io.rutile.gateway.kv.CallerQuota.Bound;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.TimeStamp;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class WatchesTest {

    private static final KeyRange FRUIT = PrefixRange.of(key("fruit/"));
    private static final Duration HEARTBEAT = Duration.ofMillis(200);
    private static final long PATIENCE_SECONDS = 30;

    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final InMemoryChanges changes = new InMemoryChanges();
    private static final CallerQuota TWO = new CallerQuota(Map.of(Bound.WATCHERS, 2L));

    private Watches watches = watches(new Watches.Limits(2_000, 8, 1 << 20, HEARTBEAT));

    private Watches watches(Watches.Limits limits) {
        Watches started = new Watches(changes, limits, metrics);
        started.start();
        return started;
    }

    private void replace(Watches.Limits limits) {
        watches.close();
        watches = watches(limits);
    }

    @AfterEach
    void stop() {
        watches.close();
    }

    private static ByteKey key(String text) {
        return ByteKey.wrap(text.getBytes(StandardCharsets.UTF_8));
    }

    private TimeStamp commit(String key) {
        return changes.commit(key(key), key.getBytes(StandardCharsets.UTF_8));
    }

    private Watch watch(@Nullable FeedPosition from) {
        return watches.watch(FRUIT, from, new Object(), CallerQuota.NONE, () -> {})
                .join();
    }

    private static ChangeBatch next(Watch watch) throws Exception {
        return watch.next().get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    }

    /** Reads on until so many changes have come. */
    private static List<Change> read(Watch watch, int count) throws Exception {
        List<Change> all = new ArrayList<>();
        while (all.size() < count) {
            all.addAll(next(watch).changes());
        }
        assertThat(all).hasSize(count);
        return all;
    }

    private static Throwable failure(CompletableFuture<?> future) {
        try {
            future.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (Exception e) {
            return Futures.causeOf(Objects.requireNonNull(e.getCause()));
        }
        throw new AssertionError("it went well");
    }

    private static Failure.Kind refusal(CompletableFuture<?> future) {
        Throwable failure = failure(future);
        assertThat(failure).isInstanceOf(FailureException.class);
        return ((FailureException) failure).failure().kind();
    }

    @Test
    void aWatcherIsToldWhatIsCommittedFromNowOn() throws Exception {
        commit("fruit/before");
        try (Watch watch = watch(null)) {
            commit("fruit/1");
            commit("nut/1");
            changes.commit(key("fruit/1"), null);

            List<Change> told = read(watch, 2);

            assertThat(told).extracting(Change::key).containsExactly(key("fruit/1"), key("fruit/1"));
            assertThat(told).extracting(Change::isDelete).containsExactly(false, true);
        }
    }

    /** Outcomes of named writes are nobody's news. */
    @Test
    void theGatewaysOwnKeysAreNotWatched() throws Exception {
        ByteKey own = IdempotencyKey.PREFIX;
        try (Watch watch = watches.watch(KeyRange.ALL, null, new Object(), CallerQuota.NONE, () -> {})
                .join()) {
            changes.commit(own, new byte[] {1});
            commit("nut/1");

            assertThat(read(watch, 1)).extracting(Change::key).containsExactly(key("nut/1"));
        }
        KeyRange reserved = new KeyRange(ReservedKeys.FIRST, ByteKey.EMPTY);
        assertThat(refusal(watches.watch(reserved, null, new Object(), CallerQuota.NONE, () -> {})))
                .isEqualTo(Failure.Kind.INVALID_REQUEST);
    }

    @Test
    void aThousandWatchersShareOneFeedAndSeeEachChangeOnce() throws Exception {
        int watchers = 1_000;
        int commits = 300;
        List<CompletableFuture<List<Change>>> all = new ArrayList<>();
        for (int i = 0; i < watchers; i++) {
            all.add(collect(watch(null), commits));
        }

        List<TimeStamp> committed = new ArrayList<>();
        for (int i = 0; i < commits; i++) {
            committed.add(commit("fruit/" + i % 7));
        }

        for (CompletableFuture<List<Change>> one : all) {
            assertThat(one.get(PATIENCE_SECONDS, TimeUnit.SECONDS))
                    .extracting(Change::commitTs)
                    .isEqualTo(committed);
        }
        assertThat(changes.feedsOpened()).isEqualTo(1);
        await().untilAsserted(() -> assertThat(
                        metrics.get("kv.gateway.watch.watchers").gauge().value())
                .isZero());
    }

    private static CompletableFuture<List<Change>> collect(Watch watch, int count) {
        CompletableFuture<List<Change>> done = new CompletableFuture<>();
        step(watch, count, new ArrayList<>(), done);
        return done;
    }

    private static void step(Watch watch, int count, List<Change> all, CompletableFuture<List<Change>> done) {
        watch.next().whenComplete((batch, failure) -> {
            if (failure != null) {
                done.completeExceptionally(failure);
                return;
            }
            all.addAll(batch.changes());
            if (all.size() < count) {
                step(watch, count, all, done);
            } else {
                watch.close();
                done.complete(all);
            }
        });
    }

    /** Whoever comes back, at whatever place, sees exactly what lies behind it. */
    @Test
    void whoComesBackSeesWhatLiesBehindTheirPosition() throws Exception {
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("seed=" + seed);
        Random random = new Random(seed);
        // Room for a few changes: most of what others have left behind has to be read again.
        replace(new Watches.Limits(2_000, 1_000, 4_000, HEARTBEAT));
        FeedPosition position = FeedPosition.after(changes.now().join());
        List<TimeStamp> expected = new ArrayList<>();
        List<TimeStamp> told = new ArrayList<>();
        int restarts = 0;
        while (told.size() < 400) {
            for (int i = random.nextInt(40); i >= 0; i--) {
                expected.add(commit("fruit/" + i));
                changes.pass(random.nextInt(500));
            }
            try (Watch watch = watch(position)) {
                restarts++;
                int wanted = Math.min(expected.size() - told.size(), 1 + random.nextInt(30));
                int got = 0;
                while (got < wanted) {
                    try {
                        for (Change change : next(watch).changes()) {
                            if (got < wanted) {
                                got++;
                                told.add(change.commitTs());
                                position = FeedPosition.parse(change.position().token(FRUIT), FRUIT);
                            }
                        }
                    } catch (ExecutionException e) {
                        assertThat(e.getCause())
                                .isInstanceOfSatisfying(
                                        FailureException.class,
                                        slow -> assertThat(slow.failure().kind())
                                                .isEqualTo(Failure.Kind.TOO_SLOW));
                        break;
                    }
                }
            }
        }
        assertThat(told).isEqualTo(expected.subList(0, told.size()));
        assertThat(restarts).isGreaterThan(5);
    }

    @Test
    void whoWasAwayCatchesUpAndThenSharesTheFeed() throws Exception {
        FeedPosition old = FeedPosition.after(changes.now().join());
        TimeStamp first = commit("fruit/1");
        changes.pass(60_000);
        try (Watch live = watch(null);
                Watch late = watch(old)) {
            TimeStamp second = commit("fruit/2");

            assertThat(read(live, 1)).extracting(Change::commitTs).containsExactly(second);
            assertThat(read(late, 2)).extracting(Change::commitTs).containsExactly(first, second);
            assertThat(changes.openFeeds()).isEqualTo(2);

            CompletableFuture<ChangeBatch> waiting = late.next();
            TimeStamp third = commit("fruit/3");
            assertThat(waiting.get(PATIENCE_SECONDS, TimeUnit.SECONDS).changes())
                    .extracting(Change::commitTs)
                    .containsExactly(third);
            assertThat(late.feed()).isSameAs(live.feed());
        }
    }

    @Test
    void whoWaitsIsTakenAlongInTime() throws Exception {
        try (Watch watch = watch(null)) {
            FeedPosition before = watch.position();
            changes.pass(60_000);

            ChangeBatch reminder = next(watch);
            while (reminder.position().ts().physicalMs() - before.ts().physicalMs() < 60_000) {
                reminder = next(watch);
            }

            assertThat(reminder.changes()).isEmpty();
            assertThat(watch.position()).isEqualTo(reminder.position());
        }
    }

    @Test
    void whoReadsTooSlowlyIsLetGoAndCanGoOn() throws Exception {
        replace(new Watches.Limits(10, 8, 4_000, HEARTBEAT));
        try (Watch slow = watch(null)) {
            TimeStamp first = commit("fruit/0");
            assertThat(read(slow, 1)).extracting(Change::commitTs).containsExactly(first);
            List<TimeStamp> missed = new ArrayList<>();
            CompletableFuture<List<Change>> fast = collect(watch(null), 100);
            for (int i = 0; i < 100; i++) {
                missed.add(commit("fruit/" + i));
            }
            assertThat(fast.get(PATIENCE_SECONDS, TimeUnit.SECONDS)).hasSize(100);

            assertThat(refusal(slow.next())).isEqualTo(Failure.Kind.TOO_SLOW);
            assertThat(metrics.get("kv.gateway.watch.slow").counter().count()).isEqualTo(1);

            // Minutes later there is all the time that it takes.
            changes.pass(60_000);
            try (Watch again = watch(slow.position())) {
                assertThat(read(again, 100)).extracting(Change::commitTs).isEqualTo(missed);
            }
        }
    }

    /** It runs from the moment it is opened, on a thread of its own, and may be quicker than whoever opens it. */
    @Test
    void aFeedThatIsFarBehindWaitsForTheWatcherThatItIsOpenedFor() {
        FeedPosition old = FeedPosition.after(changes.now().join());
        for (int i = 0; i < 1_000; i++) {
            commit("fruit/" + i % 9);
        }
        changes.pass(60_000);

        // Here, it has gone as far as it goes when this returns.
        WatchFeed feed = WatchFeed.open(
                changes, FRUIT, old, 4_000, Runnable::run, changes.now().join(), System::nanoTime);

        assertThat(feed.holds(old)).isTrue();
        feed.fail(new IllegalStateException("the test is over"));
    }

    /** Who has much to catch up with is not outrun by their own feed. */
    @Test
    void whoCatchesUpIsNotOutrun() throws Exception {
        replace(new Watches.Limits(10, 8, 4_000, HEARTBEAT));
        FeedPosition old = FeedPosition.after(changes.now().join());
        List<TimeStamp> missed = new ArrayList<>();
        for (int i = 0; i < 1_000; i++) {
            missed.add(commit("fruit/" + i % 9));
        }
        changes.pass(60_000);
        List<TimeStamp> told = new ArrayList<>();
        try (Watch late = watch(old);
                Watch live = watch(null)) {
            assertThat(live.feed()).as("who is up to date waits for nobody").isNotSameAs(late.feed());
            while (told.size() < missed.size()) {
                next(late).changes().forEach(change -> told.add(change.commitTs()));
                // As a connection that takes no more than this.
                await().pollDelay(Duration.ofMillis(1)).until(() -> true);
            }
        }
        assertThat(told).isEqualTo(missed);
    }

    @Test
    void aPositionOfTheFutureIsRefused() {
        TimeStamp now = changes.now().join();

        assertThat(refusal(
                        watches.watch(FRUIT, FeedPosition.after(new TimeStamp(now.value() + 1)), "a", TWO, () -> {})))
                .isEqualTo(Failure.Kind.INVALID_REQUEST);
    }

    @Test
    void aPositionBeforeTheSafePointIsRefused() throws Exception {
        FeedPosition old = FeedPosition.after(changes.now().join());
        changes.pass(60_000);
        TimeStamp safePoint = commit("fruit/1");
        changes.collectGarbage(safePoint);

        try (Watch watch = watch(old)) {
            assertThat(failure(watch.next())).isInstanceOf(FeedTooOldException.class);
        }
        // Right behind it everything is there, although the feed would rather have begun earlier.
        TimeStamp next = commit("fruit/2");
        try (Watch watch = watch(FeedPosition.after(safePoint))) {
            assertThat(read(watch, 1)).extracting(Change::commitTs).containsExactly(next);
        }
    }

    @Test
    void watchersAreBounded() {
        replace(new Watches.Limits(4, 1, 1 << 20, HEARTBEAT));
        Watch first = watches.watch(FRUIT, null, "a", TWO, () -> {}).join();
        Watch second = watches.watch(FRUIT, null, "a", TWO, () -> {}).join();

        assertThat(refusal(watches.watch(FRUIT, null, "a", TWO, () -> {}))).isEqualTo(Failure.Kind.TOO_MANY_WATCHES);
        assertThat(refusal(watches.watch(KeyRange.ALL, null, "b", TWO, () -> {})))
                .as("another range needs another feed")
                .isEqualTo(Failure.Kind.TOO_MANY_WATCHES);
        watch(null);
        watch(null);
        assertThat(refusal(watches.watch(FRUIT, null, "c", TWO, () -> {}))).isEqualTo(Failure.Kind.TOO_MANY_WATCHES);
        first.close();
        first.close();
        second.close();
        watches.watch(FRUIT, null, "a", TWO, () -> {}).join();
        assertThat(metrics.get("kv.gateway.refused")
                        .tag("bound", "watchers")
                        .counter()
                        .count())
                .isEqualTo(1);
        assertThat(metrics.get("kv.gateway.refused")
                        .tag("bound", "caller")
                        .counter()
                        .count())
                .isEqualTo(1);
        assertThat(metrics.get("kv.gateway.refused")
                        .tag("bound", "watch-feeds")
                        .counter()
                        .count())
                .isEqualTo(1);
    }

    @Test
    void whoMayNoLongerWatchIsToldNothingMore() throws Exception {
        AtomicBoolean allowed = new AtomicBoolean(true);
        try (Watch watch = watches.watch(FRUIT, null, "a", TWO, () -> {
                    if (!allowed.get()) {
                        throw new FailureException(Failure.Kind.UNAUTHENTICATED.because("no longer"));
                    }
                })
                .join()) {
            commit("fruit/1");
            read(watch, 1);
            allowed.set(false);
            commit("fruit/2");

            assertThat(refusal(watch.next())).isEqualTo(Failure.Kind.UNAUTHENTICATED);
        }
    }

    @Test
    void whenTheGatewayStopsWatchersAreTold() throws Exception {
        Watch watch = watch(null);
        assertThat(next(watch)).isEqualTo(new ChangeBatch(List.of(), watch.position()));
        CompletableFuture<ChangeBatch> waiting = watch.next();

        watches.close();

        assertThat(refusal(waiting)).isEqualTo(Failure.Kind.UNAVAILABLE);
        assertThatThrownBy(() -> watch(null)).isInstanceOf(CompletionException.class);
        assertThat(changes.openFeeds()).isZero();
    }
}
