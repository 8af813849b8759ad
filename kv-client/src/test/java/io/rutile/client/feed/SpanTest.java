package io.rutile.client.feed;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.protocol.KeyRange;
import org.junit.jupiter.api.Test;

class SpanTest {

    private final Span span = new Span(KeyRange.ALL, 10, 0);

    @Test
    void theFloorRisesOnceItIsKnownThatNothingIsMissing() {
        span.confirmed(5);

        span.settled(20, 7);

        assertThat(span.floorTs).isEqualTo(20);
        assertThat(span.risenNanos).isEqualTo(7);
    }

    /** A store says it once, and may have nothing newer to say for as long as somebody's lock is there. */
    @Test
    void whatIsSaidBeforeThatIsKeptInMind() {
        span.settled(15, 1);
        span.settled(20, 2);
        assertThat(span.floorTs).isEqualTo(10);

        span.confirmed(5);

        assertThat(span.floorTs).isEqualTo(20);
        assertThat(span.risenNanos).isEqualTo(5);
    }

    @Test
    void whatOneStoreHasSaidIsNotTheNextOnes() {
        span.settled(20, 1);
        span.left();

        span.confirmed(5);

        assertThat(span.floorTs).isEqualTo(10);
        assertThat(span.isInitialized()).isTrue();
        span.left();
        span.settled(30, 6);
        assertThat(span.floorTs).isEqualTo(10);
    }

    @Test
    void theFloorDoesNotSink() {
        span.confirmed(0);
        span.settled(20, 1);

        span.settled(15, 2);

        assertThat(span.floorTs).isEqualTo(20);
        assertThat(span.risenNanos).isEqualTo(1);
    }
}
