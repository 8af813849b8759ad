package io.rutile.gateway.kv;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class DeadlineTest {

    @Test
    void countsDown() {
        Deadline deadline = Deadline.after(Duration.ofMinutes(1));

        assertThat(deadline.remaining()).isBetween(Duration.ofSeconds(50), Duration.ofMinutes(1));
    }

    @Test
    void leavesNothingOnceItHasPassed() {
        assertThat(new Deadline(System.nanoTime() - 1).remaining()).isZero();
    }
}
