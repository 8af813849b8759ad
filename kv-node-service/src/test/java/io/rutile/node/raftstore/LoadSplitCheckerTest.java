package io.rutile.node.raftstore;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.MemComparable;
import io.rutile.storage.engine.Cf;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** Load by hand, a second at a time by a clock in hand. */
class LoadSplitCheckerTest {

    private static final long SECOND = 1_000_000_000L;
    private static final long REGION = 5;

    private final Random random = new Random(Long.getLong("seed", 11));
    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final RegionLoad load = new RegionLoad();
    private final RegionTraffic traffic = new RegionTraffic();
    private final List<ByteKey> cuts = new ArrayList<>();
    private long nowNanos;
    private KeyRange range = KeyRange.ALL;
    private boolean encodings = true;
    private LoadSplitChecker checker = checker(1_000, 1 << 20);

    private LoadSplitChecker checker(long qps, long bytesPerSecond) {
        return new LoadSplitChecker(
                new SplitOptions(
                        96 << 20, 960_000, false, Duration.ofSeconds(10), qps, bytesPerSecond, Duration.ofSeconds(10)),
                new LoadSplitChecker.Borders() {
                    @Override
                    public List<ByteKey> encodings(KeyRange within, ByteKey place) {
                        return encodings ? List.of(ByteKey.wrap(MemComparable.encode(place.bytes()))) : List.of();
                    }

                    @Override
                    public List<ByteKey> rawKeys(KeyRange within, ByteKey place) {
                        return List.of(place);
                    }
                },
                () -> nowNanos,
                metrics);
    }

    private void look() {
        nowNanos += SECOND;
        checker.look(List.of(new LoadSplitChecker.Led(REGION, range, traffic.totals(), load, cuts::add)));
    }

    private static byte[] key(int number) {
        return String.format(Locale.ROOT, "key%05d", number).getBytes(StandardCharsets.US_ASCII);
    }

    private void points(int requests, Supplier<byte[]> key) {
        for (int i = 0; i < requests; i++) {
            if (load.request()) {
                byte[] at = key.get();
                load.touched(Cf.RAW, at, at);
            }
        }
    }

    private void busySeconds(int seconds, Supplier<byte[]> key) {
        for (int i = 0; i < seconds; i++) {
            points(2_000, key);
            look();
        }
    }

    private byte[] anyKey() {
        return key(random.nextInt(10_000));
    }

    @Test
    void aBusyRegionIsCutWhereItsLoadIsHalved() {
        look();
        busySeconds(10, this::anyKey);
        assertThat(cuts).isEmpty();
        assertThat(metrics.get("kv.raftstore.load.busy").gauge().value()).isEqualTo(1);

        busySeconds(1, this::anyKey);

        assertThat(cuts).hasSize(1);
        String cut = new String(MemComparable.decode(cuts.get(0).bytes()), StandardCharsets.US_ASCII);
        assertThat(cut).isBetween("key03500", "key06500");
        assertThat(metrics.get("kv.raftstore.splits.load").counter().count()).isEqualTo(1);
    }

    @Test
    void whereTheLoadIsCountsAndNotWhereTheKeysAre() {
        look();

        // Nine tenths of the requests are for one hundredth of the keys.
        busySeconds(11, () -> random.nextInt(10) == 0 ? anyKey() : key(9_900 + random.nextInt(100)));

        String cut = new String(MemComparable.decode(cuts.get(0).bytes()), StandardCharsets.US_ASCII);
        assertThat(cut).isBetween("key09900", "key09999");
    }

    @Test
    void aQuietSecondBeginsTheWindowAgain() {
        look();
        busySeconds(9, this::anyKey);
        points(10, this::anyKey);
        look();
        assertThat(load.samples()).isEmpty();

        busySeconds(9, this::anyKey);

        assertThat(cuts).isEmpty();
    }

    @Test
    void bytesCountAsRequestsDo() {
        look();
        for (int second = 0; second < 11; second++) {
            for (int i = 0; i < 100; i++) {
                byte[] at = anyKey();
                if (load.request()) {
                    load.touched(Cf.RAW, at, at);
                }
                traffic.read(1, 20 << 10);
            }
            look();
        }

        assertThat(cuts).hasSize(1);
    }

    @Test
    void theLoadOfOneKeyCantBeHalved() {
        encodings = false;
        look();

        busySeconds(11, () -> key(4711));

        assertThat(cuts).isEmpty();
        assertThat(metrics.get("kv.raftstore.load.stuck").gauge().value()).isEqualTo(1);
    }

    @Test
    void scansOverEverythingAreNotCutInTwo() {
        look();
        for (int second = 0; second < 11; second++) {
            for (int i = 0; i < 2_000; i++) {
                if (load.request()) {
                    load.touched(Cf.RAW, key(random.nextInt(100)), key(9_900 + random.nextInt(100)));
                }
            }
            look();
        }

        assertThat(cuts).isEmpty();
    }

    @Test
    void aRawKeyIsTakenWhereThereIsNoEncoding() {
        encodings = false;
        look();

        busySeconds(11, this::anyKey);

        assertThat(new String(cuts.get(0).bytes(), StandardCharsets.US_ASCII)).isBetween("key03500", "key06500");
    }

    @Test
    void whatASplitHasLeftIsWatchedAnew() {
        look();
        busySeconds(9, this::anyKey);
        range = new KeyRange(ByteKey.wrap(key(5_000)), ByteKey.EMPTY);

        busySeconds(5, this::anyKey);

        assertThat(cuts).isEmpty();
    }

    @Test
    void zeroIsNever() {
        checker = checker(0, 0);
        look();

        busySeconds(20, this::anyKey);

        assertThat(cuts).isEmpty();
        assertThat(load.samples()).isEmpty();
    }

    @Test
    void aRegionThatIsNoLongerLedKeepsNoSamples() {
        look();
        busySeconds(5, this::anyKey);
        assertThat(load.samples()).isNotEmpty().hasSizeLessThanOrEqualTo(RegionLoad.SAMPLES_MAX);

        checker.look(List.of());

        assertThat(load.samples()).isEmpty();
        assertThat(metrics.get("kv.raftstore.load.busy").gauge().value()).isZero();
    }

    @Test
    void samplesAreBordersOfBoundedLength() {
        load.sample();
        byte[] stamped = MemComparable.encode(key(1));
        byte[] stored = Arrays.copyOf(stamped, stamped.length + Long.BYTES);

        load.touched(Cf.WRITE, stored, stored);
        load.touched(Cf.RAW, new byte[4_000], key(2));

        assertThat(load.samples().get(0).first()).isEqualTo(ByteKey.wrap(stamped));
        assertThat(load.samples().get(1).first().bytes()).hasSize(RegionLoad.KEY_BYTES_MAX);
        assertThat(load.samples().get(1).last()).isEqualTo(ByteKey.wrap(key(2)));
    }
}
