package io.rutile.pd.schedule;

import static io.rutile.pd.cluster.Regions.region;
import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.pd.schedule.operator.Operator.Purpose;
import io.rutile.pd.schedule.operator.OperatorBuilder;
import io.rutile.pd.schedule.operator.OperatorKind;
import io.rutile.pd.schedule.scheduler.Round;
import io.rutile.pd.schedule.scheduler.Scheduler;
import io.rutile.pd.schedule.scheduler.Verdict;
import io.rutile.pd.schedule.scheduler.Verdict.Outcome;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class SchedulersTest {

    private static final String NAME = "test";

    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final AtomicLong nanos = new AtomicLong();
    private final List<Long> looked = new ArrayList<>();
    private final Set<String> off = new HashSet<>();
    private final Map<String, Instant> paused = new HashMap<>();
    private Admission admission = Admission.ADDED;

    @Test
    void pauseDoublesWhileThereIsNothingToDo() {
        Schedulers schedulers = schedulers(round -> {});

        runFor(schedulers, Duration.ofSeconds(30));

        // 0.2, 0.4, 0.8, 1.6, 3.2 and from then on every 5 s.
        assertThat(looked).startsWith(0L, 200L, 600L, 1_400L, 3_000L, 6_200L, 11_200L, 16_200L);
        assertThat(verdict(schedulers).outcome()).isEqualTo(Outcome.NOTHING);
    }

    @Test
    void looksAgainAtOnceAfterItDidSomething() {
        Schedulers schedulers = schedulers(SchedulersTest::plan);

        runFor(schedulers, Duration.ofSeconds(1));

        assertThat(looked).hasSizeGreaterThanOrEqualTo(10);
        assertThat(verdict(schedulers).outcome()).isEqualTo(Outcome.MADE);
        assertThat(metrics.counter("kv.pd.schedule.rounds", "scheduler", NAME, "outcome", "made")
                        .count())
                .isEqualTo(looked.size());
    }

    @Test
    void planThatIsNotTakenOnIsNothingDoneAndItIsSaidWhy() {
        admission = Admission.KIND_FULL;
        Schedulers schedulers = schedulers(SchedulersTest::plan);

        runFor(schedulers, Duration.ofSeconds(1));

        assertThat(verdict(schedulers).outcome()).isEqualTo(Outcome.BLOCKED);
        assertThat(verdict(schedulers).summary()).isEqualTo("too many operators of this kind are under way");
        assertThat(looked).hasSizeLessThan(5);
    }

    @Test
    void oneThatFailsDoesNotKeepTheOthersFromLooking() {
        Schedulers schedulers = schedulers(
                scheduler("broken", round -> {
                    throw new IllegalStateException("a bug");
                }),
                scheduler(NAME, round -> looked.add(nanos.get())));

        schedulers.tick();

        assertThat(looked).hasSize(1);
        assertThat(schedulers.verdicts().get("broken"))
                .extracting(Verdict::summary)
                .asString()
                .contains("a bug");
    }

    @Test
    void isPausedForATimeAndThenLooksByItself() {
        Schedulers schedulers = schedulers(round -> {});
        paused.put(NAME, Instant.ofEpochMilli(60_000));
        runFor(schedulers, Duration.ofSeconds(50));
        assertThat(looked).isEmpty();
        assertThat(verdict(schedulers).outcome()).isEqualTo(Outcome.OFF);
        assertThat(verdict(schedulers).summary()).contains("it is paused until");

        runFor(schedulers, Duration.ofSeconds(20));

        assertThat(looked).isNotEmpty();
    }

    @Test
    void settingsSwitchOff() {
        off.add(NAME);
        Schedulers schedulers = schedulers(round -> {});

        runFor(schedulers, Duration.ofSeconds(10));

        assertThat(looked).isEmpty();
        assertThat(verdict(schedulers).summary()).contains("switched off");
    }

    private static void plan(Round round) {
        round.plan(new OperatorBuilder(
                        region(1, "", "", 1, 2).info(), new Purpose(NAME, OperatorKind.BALANCE_LEADER, "a test"))
                .leaderOn(2));
    }

    private void runFor(Schedulers schedulers, Duration time) {
        for (long ms = 0; ms < time.toMillis(); ms += 100) {
            schedulers.tick();
            nanos.addAndGet(Duration.ofMillis(100).toNanos());
        }
    }

    private Schedulers schedulers(Consumer<Round> look) {
        return schedulers(scheduler(NAME, round -> {
            looked.add(Duration.ofNanos(nanos.get()).toMillis());
            look.accept(round);
        }));
    }

    private Schedulers schedulers(Scheduler... all) {
        return new Schedulers(
                List.of(all),
                () -> off,
                () -> paused,
                plan -> admission,
                nanos::get,
                () -> Instant.ofEpochMilli(TimeUnit.NANOSECONDS.toMillis(nanos.get())),
                metrics);
    }

    private static Scheduler scheduler(String name, Consumer<Round> look) {
        return new Scheduler() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public void look(Round round) {
                look.accept(round);
            }
        };
    }

    private static Verdict verdict(Schedulers schedulers) {
        return Objects.requireNonNull(schedulers.verdicts().get(NAME));
    }
}
