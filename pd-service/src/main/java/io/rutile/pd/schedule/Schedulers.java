package io.rutile.pd.schedule;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.pd.schedule.operator.OperatorBuilder;
import io.rutile.pd.schedule.scheduler.BalanceLeaderScheduler;
import io.rutile.pd.schedule.scheduler.BalanceRegionScheduler;
import io.rutile.pd.schedule.scheduler.EvictLeaderScheduler;
import io.rutile.pd.schedule.scheduler.EvictSlowStoreScheduler;
import io.rutile.pd.schedule.scheduler.HotRegionScheduler;
import io.rutile.pd.schedule.scheduler.Round;
import io.rutile.pd.schedule.scheduler.Scheduler;
import io.rutile.pd.schedule.scheduler.Verdict;
import io.rutile.pd.schedule.scheduler.Verdict.Outcome;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets each scheduler look at its own pace: again at once after it did something, after a pause that doubles while it finds
 * nothing. Keeps what each said last.
 *
 * <p>{@link #tick} belongs to one thread; what is asked is safe from any.
 */
public final class Schedulers {

    private static final Logger log = LoggerFactory.getLogger(Schedulers.class);

    private static final Duration PAUSE_MIN = Duration.ofMillis(100);
    private static final Duration PAUSE_MAX = Duration.ofSeconds(5);

    /** All that there are. */
    public static final Set<String> NAMES = Collections.unmodifiableSet(new TreeSet<>(Set.of(
            BalanceLeaderScheduler.NAME,
            BalanceRegionScheduler.NAME,
            EvictLeaderScheduler.NAME,
            EvictSlowStoreScheduler.NAME,
            HotRegionScheduler.NAME)));

    private final List<Entry> entries = new ArrayList<>();
    private final Supplier<Set<String>> off;
    private final Function<OperatorBuilder, Admission> submit;
    private final Supplier<Map<String, Instant>> paused;
    private final LongSupplier nanoClock;
    private final InstantSource wallClock;
    private final MeterRegistry metrics;

    private static final class Entry {
        private final Scheduler scheduler;
        private Duration pause = PAUSE_MIN;
        private @Nullable Long dueNanos;
        private volatile @Nullable Verdict verdict;

        Entry(Scheduler scheduler) {
            this.scheduler = scheduler;
        }
    }

    /**
     * @param off names of those that do nothing, by the settings
     * @param paused names of those that do nothing until then, by the settings
     * @param submit takes a plan on, or says why not
     */
    Schedulers(
            List<Scheduler> schedulers,
            Supplier<Set<String>> off,
            Supplier<Map<String, Instant>> paused,
            Function<OperatorBuilder, Admission> submit,
            LongSupplier nanoClock,
            InstantSource wallClock,
            MeterRegistry metrics) {
        schedulers.forEach(scheduler -> entries.add(new Entry(scheduler)));
        this.off = off;
        this.paused = paused;
        this.submit = submit;
        this.nanoClock = nanoClock;
        this.wallClock = wallClock;
        this.metrics = metrics;
    }

    /** Lets those look whose time has come. */
    void tick() {
        long now = nanoClock.getAsLong();
        for (Entry entry : entries) {
            if (entry.dueNanos == null || now - entry.dueNanos >= 0) {
                Verdict verdict = look(entry.scheduler);
                boolean busy = verdict.outcome() == Outcome.MADE;
                entry.pause = busy ? PAUSE_MIN : doubled(entry.pause);
                entry.dueNanos = now + entry.pause.toNanos();
                entry.verdict = verdict;
                count(entry.scheduler.name(), verdict.outcome());
            }
        }
    }

    private Verdict look(Scheduler scheduler) {
        long nowMs = wallClock.millis();
        if (off.get().contains(scheduler.name())) {
            return new Verdict(Outcome.OFF, "it is switched off by the settings", Map.of(), nowMs);
        }
        Instant until = paused.get().get(scheduler.name());
        if (until != null && until.toEpochMilli() > nowMs) {
            return new Verdict(Outcome.OFF, "it is paused until " + until, Map.of(), nowMs);
        }
        Round round = new Round();
        try {
            scheduler.look(round);
        } catch (RuntimeException e) {
            // A bug in one must not keep the others, which come behind it, from looking.
            log.error("scheduler failed name={}", scheduler.name(), e);
            return new Verdict(Outcome.BLOCKED, "it failed: " + e, Map.of(), nowMs);
        }
        int taken = 0;
        String refusal = "";
        for (OperatorBuilder plan : round.plans()) {
            Admission admission = submit.apply(plan);
            if (admission == Admission.ADDED) {
                taken++;
            } else {
                refusal = admission.words();
            }
        }
        return round.verdict(taken, refusal, nowMs);
    }

    /** In the order in which they look. */
    public List<String> names() {
        return entries.stream().map(entry -> entry.scheduler.name()).toList();
    }

    /** What each said last, by name; those that have not looked yet are missing. */
    public Map<String, Verdict> verdicts() {
        Map<String, Verdict> verdicts = new LinkedHashMap<>();
        for (Entry entry : entries) {
            Verdict verdict = entry.verdict;
            if (verdict != null) {
                verdicts.put(entry.scheduler.name(), verdict);
            }
        }
        return verdicts;
    }

    private static Duration doubled(Duration pause) {
        Duration twice = pause.multipliedBy(2);
        return twice.compareTo(PAUSE_MAX) > 0 ? PAUSE_MAX : twice;
    }

    private void count(String name, Outcome outcome) {
        Counter.builder("kv.pd.schedule.rounds")
                .description("Rounds of schedulers by outcome: made, nothing, blocked, off")
                .tag("scheduler", name)
                .tag("outcome", outcome.name().toLowerCase(Locale.ROOT))
                .register(metrics)
                .increment();
    }
}
