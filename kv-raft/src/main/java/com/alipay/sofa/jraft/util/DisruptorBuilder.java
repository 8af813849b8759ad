package com.alipay.sofa.jraft.util;

import com.lmax.disruptor.BlockingWaitStrategy;
import com.lmax.disruptor.EventFactory;
import com.lmax.disruptor.WaitStrategy;
import com.lmax.disruptor.dsl.Disruptor;
import com.lmax.disruptor.dsl.ProducerType;
import io.rutile.raft.disruptor.PooledDisruptor;
import java.util.Objects;
import java.util.concurrent.ThreadFactory;
import org.jspecify.annotations.NullMarked;
import org.jspecify.annotations.Nullable;

/**
 * Rutile's own, in the place of JRaft's class of this name, which has no seam: it hands out rings whose consumers share threads.
 * Must come before jraft-core on the class path; {@code RaftServer} refuses to start if it does not. See
 * docs/decisions/0002-pooled-disruptors.md.
 *
 * @param <T> the event
 */
@NullMarked
public final class DisruptorBuilder<T> {

    /** Proof that this class is the one that was loaded, and whether it pools. */
    public static final boolean POOLED =
            !"false".equalsIgnoreCase(System.getProperty("rutile.raft.pooled-disruptors", "true"));

    private @Nullable EventFactory<T> eventFactory;
    private int ringBufferSize;
    private ThreadFactory threadFactory = new NamedThreadFactory("Disruptor-", true);
    private ProducerType producerType = ProducerType.MULTI;
    private WaitStrategy waitStrategy = new BlockingWaitStrategy();

    private DisruptorBuilder() {}

    public static <T> DisruptorBuilder<T> newInstance() {
        return new DisruptorBuilder<>();
    }

    public @Nullable EventFactory<T> getEventFactory() {
        return eventFactory;
    }

    public DisruptorBuilder<T> setEventFactory(EventFactory<T> factory) {
        eventFactory = factory;
        return this;
    }

    public int getRingBufferSize() {
        return ringBufferSize;
    }

    public DisruptorBuilder<T> setRingBufferSize(int size) {
        ringBufferSize = size;
        return this;
    }

    public ThreadFactory getThreadFactory() {
        return threadFactory;
    }

    public DisruptorBuilder<T> setThreadFactory(ThreadFactory factory) {
        threadFactory = factory;
        return this;
    }

    public ProducerType getProducerType() {
        return producerType;
    }

    public DisruptorBuilder<T> setProducerType(ProducerType type) {
        producerType = type;
        return this;
    }

    public WaitStrategy getWaitStrategy() {
        return waitStrategy;
    }

    public DisruptorBuilder<T> setWaitStrategy(WaitStrategy strategy) {
        waitStrategy = strategy;
        return this;
    }

    /** A ring on the pool of its kind, or one with a thread of its own if pooling is switched off. */
    public Disruptor<T> build() {
        EventFactory<T> events = Objects.requireNonNull(eventFactory, "event factory not set");
        if (!POOLED) {
            return new Disruptor<>(events, ringBufferSize, threadFactory, producerType, waitStrategy);
        }
        Class<?> owner = events.getClass().getEnclosingClass();
        String kind = owner == null ? "other" : owner.getSimpleName();
        return PooledDisruptor.open(events, ringBufferSize, producerType, kind);
    }
}
