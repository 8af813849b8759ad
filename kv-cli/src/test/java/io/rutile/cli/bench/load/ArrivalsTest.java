package io.rutile.cli.bench.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.cli.bench.load.Arrivals.Phase;
import io.rutile.client.KvClientException;
import io.rutile.client.KvClientException.Kind;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ArrivalsTest {

    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final Duration LATE_MAX = Duration.ofSeconds(2);

    /** A system that answers each request after the same time, or never, on a clock that goes on only when somebody waits. */
    private static final class Slow implements Time {

        private record Answer(long atNanos, CompletableFuture<Void> call) {}

        private final Deque<Answer> waiting = new ArrayDeque<>();
        private final List<Integer> underWay = new ArrayList<>();
        private long answerMs;
        private long now = 1_000;

        Slow(long answerMs) {
            this.answerMs = answerMs;
        }

        CompletableFuture<Void> request() {
            CompletableFuture<Void> call = new CompletableFuture<>();
            waiting.add(new Answer(now + TimeUnit.MILLISECONDS.toNanos(answerMs), call));
            underWay.add(waiting.size());
            return call;
        }

        @Override
        public long nanos() {
            return now;
        }

        @Override
        public void awaitNanos(long deadlineNanos) {
            for (Answer next; (next = waiting.peek()) != null && next.atNanos() <= deadlineNanos; ) {
                now = Math.max(now, next.atNanos());
                waiting.remove();
                boolean unused = next.call().complete(null);
            }
            now = Math.max(now, deadlineNanos);
        }

        void stall(Duration time) {
            now += time.toNanos();
        }
    }

    private static Arrivals.Result one(Arrivals arrivals, double rate, Duration duration) throws InterruptedException {
        return arrivals.run(List.of(new Phase("one", rate, duration)), 1).get(0);
    }

    private static Arrivals.Calls failing(RuntimeException failure) {
        return random -> CompletableFuture.failedFuture(failure);
    }

    private static KvClientException client(Kind kind) {
        return new KvClientException(kind, "words of " + kind, null, null);
    }

    @Test
    void aSlowSystemIsOfferedAsMuchAsAFastOne() throws Exception {
        Slow slow = new Slow(500);

        Tally total = one(new Arrivals(random -> slow.request(), 1_000, LATE_MAX, SECOND, slow), 100, SECOND)
                .total();

        assertThat(total.due()).isEqualTo(100);
        assertThat(total.of(Fate.ACCEPTED)).isEqualTo(100);
        assertThat(total.percentileMs(50)).isBetween(495.0, 505.0);
    }

    @Test
    void neverMoreThanSoManyAreUnderWayAndTheRestIsCounted() throws Exception {
        Slow slow = new Slow(500);

        Tally total = one(new Arrivals(random -> slow.request(), 10, LATE_MAX, SECOND, slow), 100, SECOND)
                .total();

        assertThat(slow.underWay).allMatch(count -> count <= 10);
        // Ten in the first half second, ten in the second.
        assertThat(total.of(Fate.ACCEPTED)).isEqualTo(20);
        assertThat(total.of(Fate.NOT_BEGUN)).isEqualTo(80);
        assertThat(total.due()).isEqualTo(100);
    }

    @Test
    void whatFallsDueWhileTheGeneratorStandsStillIsLateAndThenNotBegun() throws Exception {
        Slow slow = new Slow(0);
        int[] begun = {0};
        Arrivals.Calls calls = random -> {
            if (++begun[0] == 10) {
                slow.stall(Duration.ofSeconds(5));
            }
            return slow.request();
        };

        Tally total = one(new Arrivals(calls, 1_000, LATE_MAX, SECOND, slow), 10, Duration.ofSeconds(10))
                .total();

        // The tenth was due at 0.9 s and begins then; at 5.9 s what was due before 3.9 s is too late: 1.0 to 3.8.
        assertThat(total.of(Fate.NOT_BEGUN)).isEqualTo(29);
        assertThat(total.of(Fate.ACCEPTED)).isEqualTo(71);
        assertThat(total.percentileMs(100)).isGreaterThan(4_900);
    }

    @Test
    void anAnswerCountsForThePhaseInWhichItComesAndARequestForTheWindowInWhichItIsDue() throws Exception {
        Slow slow = new Slow(500);
        Arrivals arrivals = new Arrivals(random -> slow.request(), 1_000, LATE_MAX, SECOND, slow);

        List<Arrivals.Result> results = arrivals.run(
                List.of(new Phase("a", 100, Duration.ofSeconds(2)), new Phase("b", 10, Duration.ofSeconds(2))), 1);

        assertThat(results.get(0).windows()).extracting(Tally::due).containsExactly(100L, 100L);
        assertThat(results.get(1).windows()).extracting(Tally::due).containsExactly(10L, 10L);
        // The last half second's are answered in the next phase; of its own the last five come after its end.
        assertThat(results.get(0).acceptedPerSecond()).isEqualTo(75);
        assertThat(results.get(1).acceptedPerSecond()).isEqualTo((50 + 15) / 2.0);
    }

    @Test
    void everyRequestHasOneFate() throws Exception {
        assertThat(fates(failing(client(Kind.BUSY)))).isEqualTo(Fate.BUSY);
        assertThat(fates(failing(client(Kind.TIMEOUT)))).isEqualTo(Fate.DEADLINE);
        assertThat(fates(failing(client(Kind.UNAVAILABLE)))).isEqualTo(Fate.UNREACHED);
        assertThat(fates(failing(client(Kind.SERVER)))).isEqualTo(Fate.OTHER);
        assertThat(fates(failing(new IllegalStateException("broken")))).isEqualTo(Fate.OTHER);
        assertThat(fates(random -> {
                    throw client(Kind.BUSY);
                }))
                .isEqualTo(Fate.BUSY);
        assertThat(fates(random -> CompletableFuture.<String>failedFuture(client(Kind.TIMEOUT))
                        .thenApply(String::length)))
                .as("behind a stage of a future")
                .isEqualTo(Fate.DEADLINE);
    }

    @Test
    void whatTheFirstOtherErrorSaidIsKept() throws Exception {
        Slow time = new Slow(0);
        Tally total = one(new Arrivals(failing(client(Kind.SERVER)), 10, LATE_MAX, SECOND, time), 10, SECOND)
                .total();

        assertThat(total.firstOther()).isEqualTo("words of SERVER");
    }

    @Test
    void aRequestThatNeverEndsIsNoFigure() {
        Slow never = new Slow(3_600_000);
        Arrivals arrivals = new Arrivals(random -> never.request(), 10, LATE_MAX, SECOND, never);

        assertThatThrownBy(() -> one(arrivals, 5, SECOND))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("5 requests did not end");
    }

    /** The one fate of all that are begun so. */
    private static Fate fates(Arrivals.Calls calls) throws InterruptedException {
        Tally total = one(new Arrivals(calls, 10, LATE_MAX, SECOND, new Slow(0)), 10, SECOND)
                .total();
        assertThat(total.due()).isEqualTo(10);
        for (Fate fate : Fate.values()) {
            if (total.of(fate) == 10) {
                return fate;
            }
        }
        throw new AssertionError("several fates");
    }
}
