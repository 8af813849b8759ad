package io.rutile.client.feed;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** What this room counts, over all feeds of a client. */
public final class FeedMetrics {

    private final AtomicInteger open = new AtomicInteger();
    private final AtomicLong bytes = new AtomicLong();
    private final Counter changes;
    private final Counter registrations;
    private final Counter rescans;
    private final Counter mended;

    public FeedMetrics(MeterRegistry registry) {
        changes = counter("kv.client.feed.changes", "Changes that feeds have given out", registry);
        registrations = counter("kv.client.feed.registrations", "Regions asked for their changes", registry);
        rescans = counter("kv.client.feed.rescans", "Regions asked once more because the buffer had no room", registry);
        mended = counter(
                "kv.client.feed.locks.mended",
                "Looks at locks that kept a watched Region from being settled",
                registry);
        Gauge.builder("kv.client.feed.open", open, AtomicInteger::get)
                .description("Open change feeds")
                .register(registry);
        Gauge.builder("kv.client.feed.buffer", bytes, AtomicLong::get)
                .baseUnit("bytes")
                .description("Changes that feeds hold because they are not in order yet or not taken yet")
                .register(registry);
    }

    private static Counter counter(String name, String description, MeterRegistry registry) {
        return Counter.builder(name).description(description).register(registry);
    }

    void opened() {
        open.incrementAndGet();
    }

    void closed() {
        open.decrementAndGet();
    }

    void held(long more) {
        bytes.addAndGet(more);
    }

    void changes(int count) {
        changes.increment(count);
    }

    void registered() {
        registrations.increment();
    }

    void rescanned() {
        rescans.increment();
    }

    void mended() {
        mended.increment();
    }
}
