package io.rutile.client.feed;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.protocol.ByteKey;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class ChangeBufferTest {

    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final FeedMetrics metrics = new FeedMetrics(registry);
    private final List<Place> dropped = new ArrayList<>();

    private ChangeBuffer buffer(long bytes) {
        return new ChangeBuffer(bytes, metrics, dropped::add);
    }

    private static Place place(long ts, String key) {
        return new Place(ts, ByteKey.wrap(key.getBytes(StandardCharsets.UTF_8)));
    }

    private static List<Place> places(List<ChangeBuffer.Taken> taken) {
        return taken.stream().map(ChangeBuffer.Taken::place).toList();
    }

    @Test
    void whatComesInAnyOrderGoesOutInOne() {
        ChangeBuffer buffer = buffer(1 << 20);
        buffer.add(place(7, "a"), new byte[1]);
        buffer.add(place(-1, "a"), null);
        buffer.add(place(5, "b"), new byte[1]);
        buffer.add(place(5, "a"), null);
        buffer.add(place(5, "a"), null);

        assertThat(places(buffer.take(4, null, 10, 1 << 20))).isEmpty();
        assertThat(buffer.isDrained(4, null)).isTrue();
        assertThat(places(buffer.take(7, place(5, "b"), 10, 1 << 20))).containsExactly(place(5, "a"));
        assertThat(places(buffer.take(7, null, 1, 1 << 20))).containsExactly(place(5, "b"));
        assertThat(places(buffer.take(-1, null, 10, 1 << 20))).containsExactly(place(7, "a"), place(-1, "a"));
        assertThat(registry.get("kv.client.feed.buffer").gauge().value()).isZero();
        assertThat(dropped).isEmpty();
    }

    /** What is dropped lies behind everything that stays, and one change stays however large it is. */
    @Test
    void theFarEndIsDropped() {
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("seed=" + seed);
        Random random = new Random(seed);
        ChangeBuffer buffer = buffer(10_000);
        TreeSet<Place> added = new TreeSet<>();
        for (int i = 0; i < 500; i++) {
            Place place = place(random.nextInt(100), "k" + random.nextInt(50));
            boolean beyond = dropped.stream().anyMatch(gone -> gone.compareTo(place) <= 0);
            if (!beyond) {
                added.add(place);
                buffer.add(place, new byte[random.nextInt(2_000)]);
            }
        }
        assertThat(dropped).isNotEmpty();
        Place horizon = dropped.stream().min(Place::compareTo).orElseThrow();

        List<Place> left = places(buffer.take(-1, null, 10_000, 1 << 30));

        assertThat(left).isEqualTo(List.copyOf(added.headSet(horizon)));
        buffer.add(place(1, "large"), new byte[1 << 20]);
        assertThat(buffer.take(1, null, 1, 1)).hasSize(1);
        assertThat(registry.get("kv.client.feed.buffer").gauge().value()).isZero();
    }
}
