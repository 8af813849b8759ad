package io.rutile.cli.bench.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class KeySpaceTest {

    private static final KeySpace KEYS = new KeySpace("k-", 10_000, 8, 3);

    @Test
    void everyKeyIsLoadedOnceAndInOrder() throws Exception {
        List<String> loaded = new ArrayList<>();
        List<Integer> batches = new ArrayList<>();
        KEYS.forEach(300, pairs -> {
            loaded.addAll(pairs.keySet());
            batches.add(pairs.size());
            assertThat(pairs.values()).allMatch(value -> value.length == 8);
        });

        Set<String> expected = new TreeSet<>();
        for (int i = 0; i < KEYS.count(); i++) {
            expected.add(KEYS.key(i));
        }
        assertThat(loaded).containsExactlyElementsOf(expected).hasSize(10_000);
        assertThat(loaded).allMatch(key -> key.compareTo(KEYS.prefix()) > 0 && key.compareTo(KEYS.end()) < 0);
        assertThat(batches).hasSize(34).last().isEqualTo(100);
    }

    @Test
    void bordersCutItIntoEvenParts() {
        List<String> borders = KEYS.borders(20);
        int[] parts = new int[20];
        for (int i = 0; i < KEYS.count(); i++) {
            String key = KEYS.key(i);
            parts[
                    (int) borders.stream()
                            .filter(border -> border.compareTo(key) <= 0)
                            .count()]++;
        }

        assertThat(borders).isSorted().hasSize(19);
        assertThat(parts).doesNotContain(0);
        for (int part : parts) {
            assertThat(part).isBetween(400, 600);
        }
    }

    @Test
    void bordersOfFewerPartsAreAmongThoseOfMore() {
        assertThat(KEYS.borders(100)).containsAll(KEYS.borders(50));
        assertThat(KEYS.borders(21)).containsAll(KEYS.borders(7));
        assertThat(KEYS.borders(1)).isEmpty();
    }

    @Test
    void behindTheStartOfAScanThereAreEnoughRows() {
        TreeSet<String> all = new TreeSet<>();
        for (int i = 0; i < KEYS.count(); i++) {
            all.add(KEYS.key(i));
        }
        SplittableRandom random = new SplittableRandom(9);
        for (int rows : new int[] {1, 100, 1_000, 9_000, 10_000}) {
            for (int i = 0; i < 500; i++) {
                assertThat(all.tailSet(KEYS.scanStart(random, rows)).size()).isGreaterThanOrEqualTo(rows);
            }
        }
    }

    @Test
    void differentSeedsHaveDifferentKeys() {
        Set<String> mine = new HashSet<>();
        KeySpace other = new KeySpace("k-", 10_000, 8, 4);
        for (int i = 0; i < 1_000; i++) {
            mine.add(KEYS.key(i));
        }

        for (int i = 0; i < 1_000; i++) {
            assertThat(mine).doesNotContain(other.key(i));
        }
    }

    @Test
    void keysOfATransactionDiffer() {
        KeySpace few = new KeySpace("k-", 3, 1, 1);
        KeyChoice choice = Distribution.UNIFORM.over(new Inserts(3));

        assertThat(few.distinct(8, choice, new SplittableRandom(1)))
                .containsExactlyInAnyOrder(few.key(0), few.key(1), few.key(2));
    }

    @Test
    void whatCannotBeIsRefused() {
        assertThatThrownBy(() -> new KeySpace("k", 0, 1, 1)).hasMessageContaining("keys must be 1 to");
        assertThatThrownBy(() -> new KeySpace("k", 1, 0, 1)).hasMessageContaining("at least 1 byte");
    }
}
