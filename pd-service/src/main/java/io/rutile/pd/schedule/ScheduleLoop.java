package io.rutile.pd.schedule;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The schedule thread of a term: one bounded tick, a pause, the next. Nothing that clients wait for runs on it, so a slow tick
 * delays scheduling and nothing else.
 */
public final class ScheduleLoop implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(ScheduleLoop.class);
    private static final Duration PAUSE = Duration.ofMillis(100);

    private final Coordinator coordinator;
    private final Timer ticks;
    private final ScheduledExecutorService thread;

    public ScheduleLoop(Coordinator coordinator, MeterRegistry metrics) {
        this.coordinator = coordinator;
        this.ticks = Timer.builder("kv.pd.schedule.tick")
                .description("How long one round of patrol and schedulers takes")
                .register(metrics);
        this.thread = Executors.newSingleThreadScheduledExecutor(task -> {
            Thread made = new Thread(task, "pd-schedule");
            made.setDaemon(true);
            return made;
        });
    }

    public void start() {
        Future<?> unused = thread.scheduleWithFixedDelay(this::tick, 0, PAUSE.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void tick() {
        try {
            ticks.record(coordinator::tick);
        } catch (RuntimeException e) {
            // A tick that throws would be the last one of its timer.
            log.error("schedule tick failed", e);
        }
    }

    @Override
    public void close() {
        thread.shutdownNow();
    }
}
