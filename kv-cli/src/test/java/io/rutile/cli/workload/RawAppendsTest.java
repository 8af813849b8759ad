package io.rutile.cli.workload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.rutile.client.KvClientException;
import io.rutile.protocol.ByteKey;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class RawAppendsTest {

    private static final List<ByteKey> PREFIXES = List.of(key("a"), key("m"), key("z"));
    private static final int WRITES = 40;

    private static ByteKey key(String text) {
        return ByteKey.wrap(text.getBytes(StandardCharsets.UTF_8));
    }

    /** A map that can do wrong. */
    private static class MapStore implements RawStore {

        final ConcurrentSkipListMap<ByteKey, byte[]> pairs = new ConcurrentSkipListMap<>();
        final AtomicInteger puts = new AtomicInteger();

        @Override
        public void put(ByteKey key, byte[] value) {
            puts.incrementAndGet();
            pairs.put(key, value);
        }

        @Override
        public Optional<byte[]> get(ByteKey key) {
            return Optional.ofNullable(pairs.get(key));
        }

        @Override
        public Map<ByteKey, byte[]> getAll(List<ByteKey> keys) {
            Map<ByteKey, byte[]> found = new HashMap<>();
            keys.forEach(key -> get(key).ifPresent(value -> found.put(key, value)));
            return found;
        }
    }

    private static KvClientException unavailable() {
        return new KvClientException(KvClientException.Kind.UNAVAILABLE, "by test", null, null);
    }

    private static RawAppends writeTo(MapStore store) {
        RawAppends appends = RawAppends.start(store, PREFIXES, 2, 7);
        await().atMost(Duration.ofSeconds(30)).until(() -> appends.isBroken() || store.puts.get() >= WRITES);
        appends.stop();
        return appends;
    }

    @Test
    void whatIsThereIsFoundAllOverTheKeySpace() throws Exception {
        MapStore store = new MapStore();

        RawAppends.Report report = writeTo(store).verify();

        assertThat(report.isClean()).isTrue();
        assertThat(report.acknowledged()).isEqualTo(store.pairs.size()).isGreaterThanOrEqualTo(WRITES);
        assertThat(report.reads()).isPositive();
        for (String prefix : List.of("a", "m", "z")) {
            assertThat(store.pairs.ceilingKey(key(prefix + "/")).toString())
                    .startsWith(key(prefix + "/").toString());
        }
    }

    @Test
    void whatIsLostOrChangedIsFound() throws Exception {
        MapStore store = new MapStore();
        RawAppends appends = writeTo(store);
        store.pairs.pollFirstEntry();
        store.pairs.pollFirstEntry();
        store.pairs.lastEntry().getValue()[0] ^= 1;

        RawAppends.Report report = appends.verify();

        assertThat(report.lost()).isEqualTo(2);
        assertThat(report.wrong()).isEqualTo(1);
        assertThat(report.isClean()).isFalse();
        assertThat(report.examples())
                .hasSize(3)
                .anyMatch(line -> line.startsWith("acknowledged and not there: raw write"));
    }

    /** A stale read: gone while it runs, back in the end. */
    @Test
    void whatIsMissingForAMomentIsFound() throws Exception {
        MapStore store = new MapStore() {
            @Override
            public Optional<byte[]> get(ByteKey key) {
                return puts.get() < WRITES ? Optional.empty() : super.get(key);
            }
        };

        assertThat(writeTo(store).verify().lost()).isPositive();
    }

    @Test
    void aWriteWithoutAnAnswerMayBeThereOrNot() throws Exception {
        MapStore store = new MapStore() {
            @Override
            public void put(ByteKey key, byte[] value) {
                int turn = puts.get() % 4;
                if (turn != 1) {
                    super.put(key, value);
                } else {
                    puts.incrementAndGet();
                }
                if (turn == 1 || turn == 2) {
                    throw unavailable();
                }
            }
        };

        RawAppends.Report report = writeTo(store).verify();

        assertThat(report.unknown()).isPositive();
        assertThat(report.isClean()).isTrue();
    }

    @Test
    void aClientThatMeetsWhatNoStoreAnswersIsTold() {
        MapStore store = new MapStore() {
            @Override
            public void put(ByteKey key, byte[] value) {
                throw new IllegalStateException("never answered");
            }
        };

        RawAppends appends = writeTo(store);

        assertThatThrownBy(appends::verify).hasMessageContaining("never answered");
    }
}
