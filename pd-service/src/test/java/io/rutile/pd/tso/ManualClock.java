package io.rutile.pd.tso;

import java.time.Instant;
import java.time.InstantSource;

/** A wall clock that stands still until it is told otherwise. */
public final class ManualClock implements InstantSource {

    private volatile long nowMs;

    public ManualClock(long nowMs) {
        this.nowMs = nowMs;
    }

    public void set(long ms) {
        nowMs = ms;
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // One test thread moves it.
    public void advance(long ms) {
        nowMs += ms;
    }

    @Override
    public Instant instant() {
        return Instant.ofEpochMilli(nowMs);
    }

    @Override
    public long millis() {
        return nowMs;
    }
}
