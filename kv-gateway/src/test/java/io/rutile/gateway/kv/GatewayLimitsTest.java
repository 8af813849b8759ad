package io.rutile.gateway.kv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.gateway.kv.CallerQuota.Bound;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class GatewayLimitsTest {

    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final SimpleMeterRegistry ofCallers = new SimpleMeterRegistry();
    private final AtomicLong nanos = new AtomicLong();
    private final GatewayLimits limits = new GatewayLimits(2, 100, metrics);

    @Test
    void oneRequestTooManyIsRefusedAndCounted() {
        List<GatewayLimits.Permit> full =
                Stream.generate(limits::admit).limit(2).toList();

        assertThatExceptionOfType(FailureException.class)
                .isThrownBy(limits::admit)
                .satisfies(e -> {
                    assertThat(e.failure().kind()).isEqualTo(Failure.Kind.BUSY);
                    assertThat(e.failure().error()).isEqualTo("ServerIsBusy");
                });
        assertThat(refused("requests")).isEqualTo(1);

        full.get(0).close();
        full.get(0).close();
        limits.admit().close();
        assertThat(metrics.get("kv.gateway.requests.in.flight").gauge().value()).isEqualTo(1);
    }

    @Test
    void bytesOfAllRequestsTogetherAreBounded() {
        GatewayLimits.Permit first = limits.admit();
        GatewayLimits.Permit second = limits.admit();
        first.reserve(60);
        second.reserve(40);

        assertThatExceptionOfType(FailureException.class).isThrownBy(() -> second.reserve(1));
        assertThat(refused("bytes")).isEqualTo(1);

        first.release(1);
        second.reserve(1);
        first.close();
        assertThat(inFlight()).isEqualTo(41);
        second.close();
        assertThat(inFlight()).isZero();
    }

    @Test
    void anAnsweredRequestHoldsNothingAnyMore() {
        GatewayLimits.Permit permit = limits.admit();
        permit.close();

        permit.reserve(1_000);
        permit.release(1_000);

        assertThat(inFlight()).isZero();
    }

    @Test
    void whatNobodyWaitsForGetsNoMoreRoom() {
        GatewayLimits.Permit permit = limits.admit();
        permit.reserve(60);
        permit.abandon();

        assertThatExceptionOfType(CallerGoneException.class).isThrownBy(() -> permit.reserve(1));
        assertThat(inFlight()).as("what is held is held until the work ends").isEqualTo(60);
        permit.release(10);
        permit.close();
        assertThat(inFlight()).isZero();
    }

    // ---- of one caller

    @Test
    void aCallerHasNoMoreRequestsThanOneMay() {
        GatewayLimits many = limits(10);
        CallerQuota two = new CallerQuota(Map.of(Bound.REQUESTS, 2L));
        GatewayLimits.Permit first = entered(many, "a", two);
        GatewayLimits.Permit second = entered(many, "a", two);
        GatewayLimits.Permit third = many.admit();

        assertThat(refusal(() -> third.countFor("a", two))).contains("2 requests");
        assertThat(refused(ofCallers, "caller")).isEqualTo(1);
        entered(many, "b", two).close();
        third.close();

        first.close();
        first.close();
        GatewayLimits.Permit fourth = entered(many, "a", two);
        assertThat(refusal(() -> entered(many, "a", two))).contains("2 requests");
        fourth.close();
        second.close();
    }

    @Test
    void aCallersRequestsHoldNoMoreThanOneMay() {
        GatewayLimits many = limits(10);
        CallerQuota quota = new CallerQuota(Map.of(Bound.BYTES, 50L));
        GatewayLimits.Permit first = many.admit();
        first.reserve(30);
        first.countFor("a", quota);
        GatewayLimits.Permit second = entered(many, "a", quota);

        assertThat(refusal(() -> second.reserve(21))).contains("50 bytes");
        assertThat(inFlight(ofCallers)).as("what was refused is not held").isEqualTo(30);
        GatewayLimits.Permit late = many.admit();
        late.reserve(21);
        assertThat(refusal(() -> late.countFor("a", quota))).contains("50 bytes");
        late.close();

        first.release(1);
        second.reserve(21);
        first.close();
        second.reserve(29);
        assertThat(refusal(() -> second.reserve(1))).contains("50 bytes");
        second.close();
        entered(many, "a", quota).reserve(50);
    }

    @Test
    void aCallerAsksNoFasterThanOneMay() {
        GatewayLimits many = limits(10);
        CallerQuota three = new CallerQuota(Map.of(Bound.REQUESTS_PER_SECOND, 3L));
        for (int i = 0; i < 3; i++) {
            entered(many, "a", three).close();
        }

        assertThat(refusal(() -> entered(many, "a", three))).contains("3 times a second");
        entered(many, "b", three).close();
        nanos.addAndGet(334_000_000);
        entered(many, "a", three).close();
        assertThat(refusal(() -> entered(many, "a", three))).contains("3 times a second");

        CallerQuota five = new CallerQuota(Map.of(Bound.REQUESTS_PER_SECOND, 5L));
        assertThat(refusal(() -> entered(many, "a", five))).contains("5 times a second");
        nanos.addAndGet(1_000_000_000);
        for (int i = 0; i < 5; i++) {
            entered(many, "a", five).close();
        }
        assertThat(refusal(() -> entered(many, "a", five))).contains("5 times a second");
        entered(many, "a", new CallerQuota(Map.of(Bound.REQUESTS, 1L))).close();
    }

    /** A caller with tokens of several roles gets no more by taking them in turn than the best of them allows. */
    @Test
    void tokensInTurnAreNoFasterThanOneOfThem() {
        GatewayLimits many = limits(10);
        CallerQuota three = new CallerQuota(Map.of(Bound.REQUESTS_PER_SECOND, 3L));
        CallerQuota four = new CallerQuota(Map.of(Bound.REQUESTS_PER_SECOND, 4L));
        CallerQuota unbounded = new CallerQuota(Map.of(Bound.REQUESTS, 5L));
        List<CallerQuota> inTurn = List.of(three, unbounded, four);

        int answered = 0;
        for (int i = 0; i < 30; i++) {
            CallerQuota quota = inTurn.get(i % 3);
            try {
                entered(many, "a", quota).close();
                answered += quota == unbounded ? 0 : 1;
            } catch (FailureException over) {
                assertThat(over.failure().kind()).isEqualTo(Failure.Kind.TOO_MANY_REQUESTS);
            }
        }

        assertThat(answered).isEqualTo(3);
    }

    /** Nor slower than the worst of them, however often they ask. */
    @Test
    void tokensInTurnAreNoSlowerThanOneOfThem() {
        GatewayLimits many = limits(10);
        CallerQuota three = new CallerQuota(Map.of(Bound.REQUESTS_PER_SECOND, 3L));
        CallerQuota four = new CallerQuota(Map.of(Bound.REQUESTS_PER_SECOND, 4L));

        int answered = 0;
        for (int i = 0; i < 1_000; i++) {
            nanos.addAndGet(10_000_000);
            try {
                entered(many, "a", i % 2 == 0 ? three : four).close();
                answered++;
            } catch (FailureException over) {
                assertThat(over.failure().kind()).isEqualTo(Failure.Kind.TOO_MANY_REQUESTS);
            }
        }

        assertThat(answered)
                .as("in ten seconds, what was there at first included")
                .isBetween(30, 45);
    }

    /** An access file may say so to lift a bound. */
    @Test
    void aRateThatNobodyReachesIsNone() {
        GatewayLimits many = limits(10);
        for (long rate : new long[] {1_000_000_000, 2_000_000_000, Long.MAX_VALUE - 1}) {
            entered(many, "a", new CallerQuota(Map.of(Bound.REQUESTS_PER_SECOND, rate)))
                    .close();
        }
    }

    /** Whatever their last token allowed. */
    @Test
    void aCallerWhoseLastRequestHadNoRateIsForgottenToo() {
        CallerShares shares = new CallerShares(nanos::get);
        CallerQuota unbounded = new CallerQuota(Map.of(Bound.REQUESTS, 5L));
        shares.enter("a", new CallerQuota(Map.of(Bound.REQUESTS_PER_SECOND, 3L)), 0)
                .leave(0);
        shares.enter("a", unbounded, 0).leave(0);
        assertThat(shares.callerCount()).as("they have not the whole rate yet").isOne();

        nanos.addAndGet(1_000_000_000);
        shares.enter("a", unbounded, 0).leave(0);

        assertThat(shares.callerCount()).isZero();
    }

    @Test
    void callersAreForgottenOnceTheyAreAsGoodAsNew() {
        CallerShares shares = new CallerShares(nanos::get);
        CallerQuota quota = new CallerQuota(Map.of(Bound.REQUESTS, 2L, Bound.REQUESTS_PER_SECOND, 2L));
        CallerShares.Share slow = shares.enter("slow", quota, 0);
        for (int i = 0; i < 100; i++) {
            shares.enter("caller-" + i, quota, 0).leave(0);
        }
        assertThat(shares.callerCount()).as("they may not begin anew at once").isEqualTo(101);

        nanos.addAndGet(Duration.ofSeconds(11).toNanos());
        shares.enter("another", new CallerQuota(Map.of(Bound.REQUESTS, 1L)), 0).leave(0);

        assertThat(shares.callerCount()).isEqualTo(1);
        slow.leave(0);
        assertThat(shares.callerCount()).isZero();
    }

    @Test
    void whereNobodyIsAskedNobodyIsCounted() {
        GatewayLimits many = limits(10);
        for (int i = 0; i < 10; i++) {
            entered(many, "anyone", CallerQuota.NONE);
        }
        assertThat(refused(ofCallers, "caller")).isZero();
    }

    private GatewayLimits limits(int requestsMax) {
        return new GatewayLimits(requestsMax, 1_000, nanos::get, ofCallers);
    }

    private static GatewayLimits.Permit entered(GatewayLimits limits, String caller, CallerQuota quota) {
        GatewayLimits.Permit permit = limits.admit();
        try {
            permit.countFor(caller, quota);
        } catch (FailureException refused) {
            permit.close();
            throw refused;
        }
        return permit;
    }

    private static String refusal(ThrowingCallable call) {
        FailureException refused = catchThrowableOfType(FailureException.class, call);
        assertThat(refused).isNotNull();
        assertThat(refused.failure().kind()).isEqualTo(Failure.Kind.TOO_MANY_REQUESTS);
        assertThat(refused.failure().retryable()).isTrue();
        return refused.failure().detail();
    }

    @Test
    void limitsAreAtLeastOne() {
        assertThatExceptionOfType(IllegalArgumentException.class).isThrownBy(() -> new GatewayLimits(0, 1, metrics));
        assertThatExceptionOfType(IllegalArgumentException.class).isThrownBy(() -> new GatewayLimits(1, 0, metrics));
        assertThatExceptionOfType(IllegalArgumentException.class)
                .isThrownBy(() -> new CallerQuota(Map.of(Bound.REQUESTS, 0L)));
    }

    private double inFlight() {
        return inFlight(metrics);
    }

    private static double inFlight(SimpleMeterRegistry metrics) {
        return metrics.get("kv.gateway.in.flight").gauge().value();
    }

    private double refused(String bound) {
        return refused(metrics, bound);
    }

    private static double refused(SimpleMeterRegistry metrics, String bound) {
        return metrics.get("kv.gateway.refused").tag("bound", bound).counter().count();
    }
}
