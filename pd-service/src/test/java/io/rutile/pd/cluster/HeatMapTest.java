package io.rutile.pd.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.pd.cluster.HeatMap.Column;
import io.rutile.pd.cluster.HeatMap.Picture;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The ring over a soft view that hears of Regions; the test moves the clock. */
class HeatMapTest {

    private static final Duration MINUTE = Duration.ofMinutes(1);

    @TempDir
    Path directory;

    private LocalCluster cluster;

    @BeforeEach
    void start() {
        cluster = new LocalCluster(directory).up(1, 2, 3);
    }

    @Test
    void aReportIsInItsRegionsRow() {
        hear(10, "", "g", 1, 0);
        hear(11, "g", "", 1, 0);
        pass(Duration.ofSeconds(5));
        pass(Duration.ofSeconds(10));

        hear(11, "g", "", 1, 40);

        Picture picture = picture();
        assertThat(rows(picture)).containsExactly("", "g");
        assertThat(last(picture).amounts()).containsExactly(0L, 40L);
    }

    @Test
    void everyMeasureIsKeptByItself() {
        cluster.observe(Regions.region(10, "", "", 1, 2, 3).flow(new RegionFlow(1, 20, 300, 4_000, 0)));

        for (HeatMeasure measure : HeatMeasure.values()) {
            Picture picture = cluster.state().heat().picture(measure);
            assertThat(last(picture).amounts())
                    .containsExactly(
                            switch (measure) {
                                case WRITTEN_BYTES -> 1L;
                                case WRITTEN_KEYS -> 20L;
                                case READ_BYTES -> 300L;
                                case READ_KEYS -> 4_000L;
                            });
        }
    }

    /** A report of ten seconds that ends four seconds into a minute is by six tenths of the minute before. */
    @Test
    void aReportIsSharedOutAmongTheBucketsOfItsTime() {
        hear(10, "", "", 1, 0);
        pass(Duration.ofSeconds(5));
        pass(MINUTE);
        cluster.pass(Duration.ofSeconds(4));

        hear(10, "", "", 1, 1_000);

        assertThat(picture().columns()).extracting(Column::amounts).endsWith(List.of(600L), List.of(400L));
    }

    /** A new leader of PD hears at once of what went on before it led: that is nobody's minute here. */
    @Test
    void whatLiesBeforeTheRingIsLeftOut() {
        cluster.pass(Duration.ofSeconds(2));

        hear(10, "", "", 1, 1_000);

        assertThat(sum(picture())).isEqualTo(200);
    }

    @Test
    void aSplitBetweenTwoBucketsIsAFinerRowFromThenOn() {
        hear(10, "", "", 1, 0);
        pass(Duration.ofSeconds(5));
        cluster.pass(Duration.ofSeconds(10));
        hear(10, "", "", 1, 100);
        hear(10, "", "m", 2, 0);
        hear(11, "m", "", 2, 0);
        pass(MINUTE);
        cluster.pass(Duration.ofSeconds(10));
        hear(11, "m", "", 2, 70);

        Picture picture = picture();

        assertThat(rows(picture)).containsExactly("", "m");
        // When it was one Region, nobody knew where in it.
        assertThat(picture.columns()).extracting(Column::amounts).endsWith(List.of(50L, 50L), List.of(0L, 70L));
    }

    @Test
    void aMergeInTheMiddleOfABucketIsSpreadOverItsOldRows() {
        hear(10, "", "m", 2, 0);
        hear(11, "m", "", 2, 0);
        pass(Duration.ofSeconds(5));
        cluster.pass(Duration.ofSeconds(10));
        hear(10, "", "m", 2, 30);
        hear(10, "", "", 3, 20);

        Picture picture = picture();

        assertThat(rows(picture)).containsExactly("", "m");
        assertThat(last(picture).amounts()).containsExactly(40L, 10L);
    }

    @Test
    void reportsThatAreStaleAreNotCounted() {
        hear(10, "", "", 5, 0);
        cluster.pass(MINUTE);

        assertThat(cluster.state()
                        .observe(Regions.region(10, "", "", 1, 2, 3)
                                .epoch(1, 4)
                                .flow(new RegionFlow(99, 9, 0, 0, 10))
                                .info()))
                .isPresent();

        assertThat(sum(picture())).isZero();
    }

    @Test
    void theRingHoldsTwoHoursWhateverPasses() {
        hear(10, "", "", 1, 0);
        for (int minute = 0; minute < 300; minute++) {
            pass(MINUTE);
            hear(10, "", "", 1, 60);
        }

        Picture picture = picture();

        assertThat(picture.columns()).hasSize(HeatMap.BUCKETS_MAX);
        Column first = picture.columns().get(0);
        assertThat(Duration.ofNanos(picture.nowNanos() - first.fromNanos()))
                .isBetween(Duration.ofMinutes(118), Duration.ofMinutes(120));
        assertThat(picture.columns())
                .allSatisfy(column -> assertThat(column.amounts()).hasSize(1));
    }

    @Test
    void manyRegionsAreFewRowsAndTheHotOneIsAmongThem() {
        int regions = 3_000;
        for (int i = 0; i < regions; i++) {
            hear(
                    10 + i,
                    i == 0 ? "" : "%05d".formatted(i),
                    i == regions - 1 ? "" : "%05d".formatted(i + 1),
                    1,
                    i == 1_234 ? 1_000_000 : 1);
        }
        pass(Duration.ofSeconds(5));
        cluster.pass(Duration.ofSeconds(10));
        hear(10 + 1_234, "01234", "01235", 1, 777);

        Picture picture = picture();

        assertThat(picture.rows()).hasSizeLessThanOrEqualTo(HeatRows.MAX);
        int hot = rows(picture).indexOf("01234");
        assertThat(hot).isPositive();
        assertThat(rows(picture).get(hot + 1)).isEqualTo("01235");
        assertThat(last(picture).amounts().get(hot)).isEqualTo(777);
        assertThat(cluster.state().heat().ranges()).isLessThanOrEqualTo(HeatRows.MAX);
    }

    /** Nobody crashes PD with a heartbeat. */
    @Test
    void absurdFiguresAreTaken() {
        cluster.pass(MINUTE);

        cluster.observe(Regions.region(10, "", "", 1, 2, 3)
                .flow(new RegionFlow(Long.MAX_VALUE, Long.MAX_VALUE, Long.MAX_VALUE, Long.MAX_VALUE, Long.MAX_VALUE)));
        cluster.observe(Regions.region(10, "", "", 1, 2, 3)
                .flow(new RegionFlow(Long.MAX_VALUE, Long.MAX_VALUE, Long.MAX_VALUE, Long.MAX_VALUE, 1)));
        pass(MINUTE);

        assertThat(picture().columns())
                .allSatisfy(column -> assertThat(column.amounts())
                        .allSatisfy(amount -> assertThat(amount).isNotNegative()));
    }

    /** Over the ten seconds that nodes leave between two reports. */
    private void hear(long id, String start, String end, long version, long bytesWritten) {
        cluster.observe(Regions.region(id, start, end, 1, 2, 3)
                .epoch(1, version)
                .flow(new RegionFlow(bytesWritten, 0, 0, 0, 10)));
    }

    private void pass(Duration time) {
        cluster.pass(time);
        cluster.state().tick();
    }

    private Picture picture() {
        return cluster.state().heat().picture(HeatMeasure.WRITTEN_BYTES);
    }

    private static Column last(Picture picture) {
        return picture.columns().get(picture.columns().size() - 1);
    }

    private static List<String> rows(Picture picture) {
        return picture.rows().stream()
                .map(key -> new String(key.bytes(), StandardCharsets.UTF_8))
                .toList();
    }

    private static long sum(Picture picture) {
        return picture.columns().stream()
                .flatMap(column -> column.amounts().stream())
                .mapToLong(Long::longValue)
                .sum();
    }
}
