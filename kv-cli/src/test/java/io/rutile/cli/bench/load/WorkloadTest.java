package io.rutile.cli.bench.load;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class WorkloadTest {

    private static final KeySpace KEYS = new KeySpace("w-", 1_000, 16, 11);
    private static final int STEPS = 20_000;

    @Test
    void mixesAreYcsbs() {
        assertMix(Workload.YCSB_A, Map.of(Action.READ, 0.5, Action.UPDATE, 0.5));
        assertMix(Workload.YCSB_B, Map.of(Action.READ, 0.95, Action.UPDATE, 0.05));
        assertMix(Workload.YCSB_C, Map.of(Action.READ, 1.0));
        assertMix(Workload.YCSB_D, Map.of(Action.READ, 0.95, Action.INSERT, 0.05));
        assertMix(Workload.YCSB_E, Map.of(Action.SCAN, 0.95, Action.INSERT, 0.05));
        assertMix(Workload.YCSB_F, Map.of(Action.READ, 0.5, Action.READ_MODIFY_WRITE, 0.5));
        assertThat(Workload.YCSB_D.distribution()).isEqualTo(Distribution.LATEST);
        assertThat(Workload.YCSB_A.distribution()).isEqualTo(Distribution.SCRAMBLED);
    }

    private static void assertMix(Workload workload, Map<Action, Double> shares) {
        SplittableRandom random = new SplittableRandom(5);
        Map<Action, Integer> counts = new EnumMap<>(Action.class);
        for (int i = 0; i < STEPS; i++) {
            counts.merge(workload.action(random), 1, Integer::sum);
        }
        List<Action> actions = new ArrayList<>(shares.keySet());

        assertThat(counts).as(workload.label()).containsOnlyKeys(shares.keySet());
        assertThat(workload.actions()).isEqualTo(shares.keySet());
        assertThat(ChiSquare.fits(
                        actions.stream().mapToLong(counts::get).toArray(),
                        actions.stream().mapToDouble(shares::get).toArray()))
                .as("%s: %s", workload.label(), counts)
                .isTrue();
    }

    @Test
    void scansOfEAreAsLongAsYcsbs() throws Exception {
        int[] lengths = new int[101];
        FakeSubject subject = new FakeSubject() {
            @Override
            public int scan(String start, int limit) throws Exception {
                lengths[limit]++;
                return super.scan(start, limit);
            }
        };
        subject.load(KEYS, Workload.YCSB_E.actions());
        perform(Workload.YCSB_E, subject, Dataset.loaded(KEYS));

        double[] shares = new double[100];
        long[] counts = new long[100];
        for (int i = 0; i < 100; i++) {
            shares[i] = 0.01;
            counts[i] = lengths[i + 1];
        }
        assertThat(lengths[0]).isZero();
        assertThat(ChiSquare.fits(counts, shares)).isTrue();
    }

    /** Every read finds its key, though keys are inserted meanwhile and read at once. */
    @Test
    void insertsAreReadByWhoeverWantsTheLatest() throws Exception {
        FakeSubject subject = new FakeSubject();
        subject.load(KEYS, Workload.YCSB_D.actions());
        Dataset data = Dataset.loaded(KEYS);

        perform(Workload.YCSB_D, subject, data);

        assertThat(data.inserts().visible()).isGreaterThan(1_700);
        assertThat(subject.pairs).hasSize((int) data.inserts().visible());
    }

    @Test
    void anInsertThatFailsLeavesNoHole() throws Exception {
        int[] inserts = new int[1];
        FakeSubject subject = new FakeSubject() {
            @Override
            public void update(String key, byte[] value) throws Exception {
                if (++inserts[0] % 3 == 0) {
                    throw new BenchFailure("as told", "every third");
                }
                super.update(key, value);
            }
        };
        subject.load(KEYS, Workload.YCSB_D.actions());
        Dataset data = Dataset.loaded(KEYS);
        Draws draws = draws(Workload.YCSB_D, data);
        int failed = 0;
        for (int i = 0; i < STEPS; i++) {
            try {
                draws.action().perform(subject, draws);
            } catch (BenchFailure e) {
                assertThat(e.kind()).isEqualTo("as told");
                failed++;
            }
        }

        assertThat(failed).isPositive();
        assertThat(subject.pairs).hasSize((int) data.inserts().visible());
    }

    @Test
    void aScanThatComesBackShortFails() throws Exception {
        FakeSubject empty = new FakeSubject();
        Draws draws = draws(Workload.SCAN, Dataset.loaded(KEYS));

        BenchFailure failure = org.junit.jupiter.api.Assertions.assertThrows(
                BenchFailure.class, () -> draws.action().perform(empty, draws));

        assertThat(failure.kind()).isEqualTo("too few rows");
    }

    @Test
    void everyWorkloadCanBeNamed() {
        assertThat(Workload.YCSB_A.optionName()).isEqualTo("ycsb-a");
        assertThat(Workload.HELD_SCAN1000.optionName()).isEqualTo("held-scan1000");
    }

    private static void perform(Workload workload, Subject subject, Dataset data) throws Exception {
        Draws draws = draws(workload, data);
        for (int i = 0; i < STEPS; i++) {
            draws.action().perform(subject, draws);
        }
    }

    private static Draws draws(Workload workload, Dataset data) {
        return new Draws(
                Load.closed(workload, 1), data, workload.distribution().over(data.inserts()), new SplittableRandom(7));
    }
}
