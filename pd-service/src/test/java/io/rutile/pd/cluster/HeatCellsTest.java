package io.rutile.pd.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.pd.cluster.HeatRows.Slice;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class HeatCellsTest {

    @Test
    void aRangeInsideOfACellIsTheCells() {
        HeatCells cells = cells("", "g", "p");

        cells.add(range("h", "k"), 7);

        assertThat(amounts(cells)).containsExactly(0L, 7L, 0L);
    }

    @Test
    void aRangeOverSeveralCellsIsSpreadEvenlyAndNothingIsLost() {
        HeatCells cells = cells("", "g", "p");

        cells.add(range("b", "q"), 11);
        cells.add(range("g", ""), 4);

        assertThat(amounts(cells)).containsExactly(5L, 5L, 5L);
    }

    @Test
    void aRangeEndsInFrontOfItsEnd() {
        HeatCells cells = cells("", "g", "p");

        cells.add(range("", "g"), 1);
        cells.add(range("g", "p"), 10);
        cells.add(range("p", ""), 100);

        assertThat(amounts(cells)).containsExactly(1L, 10L, 100L);
    }

    /** Keys of 8 KiB must not cost 8 KiB a cell, and what is cut must still be in the right cell. */
    @Test
    void longBordersAreCutAndStillSeparate() {
        String shared = "k".repeat(HeatCells.BORDER_BYTES_MAX - 1);
        String[] starts = {shared + "a" + "x".repeat(8_000), shared + "b" + "x", shared + "b" + "y", shared + "c"};
        HeatCells cells = cells(starts);

        assertThat(cells.starts())
                .hasSize(4)
                .allSatisfy(start -> assertThat(start.bytes()).hasSizeLessThanOrEqualTo(HeatCells.BORDER_BYTES_MAX));
        cells.add(range(starts[0], starts[1]), 1);
        cells.add(range(starts[1], starts[2]), 10);
        cells.add(range(starts[2], starts[3]), 100);
        cells.add(range(starts[3], ""), 1_000);
        assertThat(amounts(cells)).containsExactly(0L, 1L, 110L, 1_000L);
    }

    @Test
    void aSumDoesNotTurnNegative() {
        HeatCells cells = cells("");

        cells.add(KeyRange.ALL, Long.MAX_VALUE);
        cells.add(KeyRange.ALL, Long.MAX_VALUE);

        assertThat(amounts(cells)).containsExactly(Long.MAX_VALUE);
    }

    @Test
    void whateverRangesAndCellsAreNothingIsLostOrMadeUp() {
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("HeatCellsTest seed=" + seed);
        SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < 300; round++) {
            HeatCells cells = randomCells(random);
            long added = 0;
            for (int i = 0; i < 20; i++) {
                ByteKey start = randomKey(random);
                ByteKey end = random.nextInt(4) == 0 ? ByteKey.EMPTY : randomKey(random);
                if (end.isEmpty() || start.compareTo(end) < 0) {
                    long amount = random.nextLong(1_000);
                    cells.add(new KeyRange(start, end), amount);
                    added += amount;
                }
            }
            HeatCells others = randomCells(random);
            others.addAll(cells);

            assertThat(sum(cells)).as("seed=%d round=%d", seed, round).isEqualTo(added);
            assertThat(sum(others)).as("seed=%d round=%d", seed, round).isEqualTo(added);
        }
    }

    @Test
    void aHotRangeStandsAloneAndColdOnesShareARow() {
        List<Slice> slices = new ArrayList<>();
        for (int i = 0; i < 10_000; i++) {
            slices.add(new Slice(key("%05d".formatted(i)), i == 5_000 ? 1_000_000 : 1));
        }

        List<ByteKey> rows = HeatRows.of(slices);

        assertThat(rows).hasSizeBetween(80, HeatRows.MAX).contains(key("05000"), key("05001"));
    }

    @Test
    void fewRangesAreRowsAndNoneIsOne() {
        assertThat(HeatRows.of(List.of())).containsExactly(ByteKey.EMPTY);
        List<Slice> slices = IntStream.range(0, HeatRows.MAX - 1)
                .mapToObj(i -> new Slice(key("%05d".formatted(i)), 0))
                .toList();
        assertThat(HeatRows.of(slices)).hasSize(HeatRows.MAX);
    }

    @Test
    void howeverHeatIsSharedOutRowsAreBounded() {
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("HeatCellsTest seed=" + seed);
        SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < 200; round++) {
            int count = random.nextInt(1, 3_000);
            double steepness = random.nextDouble() * 8;
            List<Slice> slices = IntStream.range(0, count)
                    .mapToObj(i -> new Slice(
                            key("%05d".formatted(i)),
                            random.nextInt(3) == 0 ? 0 : Math.pow(random.nextDouble(), steepness) * 1e9))
                    .toList();

            assertThat(HeatRows.of(slices))
                    .as("seed=%d round=%d", seed, round)
                    .hasSizeLessThanOrEqualTo(HeatRows.MAX)
                    .isSorted();
        }
    }

    private static HeatCells randomCells(SplittableRandom random) {
        TreeSet<ByteKey> starts = new TreeSet<>();
        IntStream.range(0, random.nextInt(12)).forEach(i -> starts.add(randomKey(random)));
        return HeatCells.of(HeatCells.borders(starts));
    }

    private static ByteKey randomKey(SplittableRandom random) {
        byte[] bytes = new byte[random.nextInt(1, 3)];
        random.nextBytes(bytes);
        return ByteKey.wrap(bytes);
    }

    private static HeatCells cells(String... starts) {
        List<ByteKey> keys = new ArrayList<>();
        for (String start : starts) {
            keys.add(key(start));
        }
        return HeatCells.of(HeatCells.borders(keys));
    }

    private static KeyRange range(String start, String end) {
        return new KeyRange(key(start), key(end));
    }

    private static ByteKey key(String text) {
        return ByteKey.wrap(text.getBytes(StandardCharsets.UTF_8));
    }

    private static List<Long> amounts(HeatCells cells) {
        return LongStream.range(0, cells.size())
                .mapToObj(cell -> cells.amount((int) cell))
                .toList();
    }

    private static long sum(HeatCells cells) {
        return amounts(cells).stream().mapToLong(Long::longValue).sum();
    }
}
