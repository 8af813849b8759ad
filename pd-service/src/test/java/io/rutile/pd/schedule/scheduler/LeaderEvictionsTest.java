package io.rutile.pd.schedule.scheduler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class LeaderEvictionsTest {

    private final AtomicLong nanos = new AtomicLong();
    private final AtomicReference<Set<Long>> standing = new AtomicReference<>(Set.of());
    private final LeaderEvictions evictions = new LeaderEvictions(nanos::get, standing::get);

    @Test
    void forgottenLeaseEndsByItself() {
        evictions.evict(1, "pod-0", Duration.ofMinutes(2), "it is restarted");
        assertThat(evictions.banOf(1)).isEqualTo("must not lead for 120 s: it is restarted");
        assertThat(evictions.banOf(2)).isNull();

        nanos.addAndGet(Duration.ofMinutes(2).toNanos());

        assertThat(evictions.banOf(1)).isNull();
        assertThat(evictions.inForce()).isEmpty();
        assertThat(evictions.release(1, "pod-0")).isFalse();
    }

    @Test
    void renewedLeaseLastsFromNow() {
        evictions.evict(1, "pod-0", Duration.ofMinutes(2), "it is restarted");
        nanos.addAndGet(Duration.ofMinutes(1).toNanos());
        evictions.evict(1, "pod-0", Duration.ofMinutes(2), "it is restarted");
        nanos.addAndGet(Duration.ofSeconds(110).toNanos());

        assertThat(evictions.banOf(1)).isNotNull();
    }

    @Test
    void oneOwnersReleaseLeavesTheOthers() {
        evictions.evict(1, "pod-0", Duration.ofMinutes(2), "it is restarted");
        evictions.evict(1, "evict-slow-store", Duration.ofMinutes(2), "it is slow");

        assertThat(evictions.release(1, "pod-0")).isTrue();

        assertThat(evictions.banOf(1)).contains("it is slow");
    }

    @Test
    void leaseWithoutAnEndIsRefused() {
        assertThatThrownBy(() -> evictions.evict(1, "x", Duration.ofDays(400), ""))
                .hasMessageContaining("PT24H");
        assertThatThrownBy(() -> evictions.evict(1, "x", Duration.ZERO, "")).hasMessageContaining("PT0S");
    }

    @Test
    void leasesAreBoundedR10() {
        for (int i = 0; i < LeaderEvictions.EVICTIONS_MAX; i++) {
            evictions.evict(i, "x", Duration.ofMinutes(1), "");
        }

        assertThatThrownBy(() -> evictions.evict(1, "y", Duration.ofMinutes(1), ""))
                .isInstanceOf(IllegalStateException.class);
        evictions.evict(1, "x", Duration.ofMinutes(1), "renewal is not another one");
    }

    @Test
    void storesThatTheSettingsNameStayEvicted() {
        standing.set(Set.of(4L));
        nanos.addAndGet(Duration.ofDays(30).toNanos());

        assertThat(evictions.banOf(4)).contains("must not lead");
        assertThat(evictions.banOf(5)).isNull();
        standing.set(Set.of());
        assertThat(evictions.banOf(4)).isNull();
    }
}
