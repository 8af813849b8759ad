package io.rutile.client.feed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.TimeStamp;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class FeedPositionTest {

    private static final KeyRange FRUIT = new KeyRange(key("fruit/"), key("fruit0"));

    private static ByteKey key(String text) {
        return ByteKey.wrap(text.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void aTokenIsReadAsItWasWritten() {
        for (FeedPosition position : List.of(
                new FeedPosition(new TimeStamp(1), 0),
                new FeedPosition(new TimeStamp(451_320_043_462_131_713L), 17),
                new FeedPosition(TimeStamp.MAX, Integer.MAX_VALUE))) {
            String token = position.token(FRUIT);

            assertThat(token).matches("[0-9A-Za-z_-]+");
            assertThat(FeedPosition.parse(token, FRUIT)).isEqualTo(position);
        }
    }

    /** The format is kept by clients for minutes, and by tests for ever. */
    @Test
    void aTokenOfTheFirstVersionStaysReadable() {
        assertThat(new FeedPosition(new TimeStamp(451_320_043_462_131_713L), 17).token(FRUIT))
                .isEqualTo("AQZDaTA2kwABAAAAEXimiq4");
    }

    @Test
    void whatIsDamagedOrOfAnotherRangeIsRefused() {
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("seed=" + seed);
        Random random = new Random(seed);
        String token = new FeedPosition(new TimeStamp(451_320_043_462_131_713L), 17).token(FRUIT);
        String alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        for (int i = 0; i < 1_000; i++) {
            StringBuilder damaged = new StringBuilder(token);
            int at = random.nextInt(token.length());
            damaged.setCharAt(at, alphabet.charAt(random.nextInt(alphabet.length())));
            if (!damaged.toString().equals(token)) {
                assertRefused(damaged.toString(), FRUIT);
            }
        }
        for (String nonsense : List.of("", "now", "A", token + "AAAA", token.substring(4), "=" + token, "ä")) {
            assertRefused(nonsense, FRUIT);
        }
        assertRefused(token, KeyRange.ALL);
        assertRefused(token, new KeyRange(FRUIT.start(), ByteKey.EMPTY));
        assertRefused(token, new KeyRange(ByteKey.EMPTY, FRUIT.end()));
    }

    private static void assertRefused(String token, KeyRange range) {
        assertThatThrownBy(() -> FeedPosition.parse(token, range))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageNotContaining("fruit");
    }

    @Test
    void everythingUpToTheCheckpointLiesBehindIt() {
        assertThat(FeedPosition.after(new TimeStamp(7)).checkpoint()).isEqualTo(new TimeStamp(7));
        assertThat(new FeedPosition(new TimeStamp(8), 3).checkpoint()).isEqualTo(new TimeStamp(7));
        FeedPosition first = FeedPosition.after(new TimeStamp(7));
        FeedPosition second = new FeedPosition(new TimeStamp(8), 3);
        FeedPosition third = FeedPosition.after(new TimeStamp(8));
        FeedPosition last = new FeedPosition(new TimeStamp(-2), 0);
        assertThat(Stream.of(third, second, last, first).sorted().toList()).containsExactly(first, second, third, last);
    }
}
