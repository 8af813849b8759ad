package io.rutile.pd.schedule;

import static io.rutile.pd.cluster.Regions.peer;
import static io.rutile.pd.cluster.Regions.region;
import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.pd.cluster.LocalCluster;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.schedule.operator.Operator;
import io.rutile.pd.schedule.operator.Operator.Purpose;
import io.rutile.pd.schedule.operator.OperatorBuilder;
import io.rutile.pd.schedule.operator.OperatorKind;
import io.rutile.pd.schedule.operator.OperatorLimits;
import io.rutile.pd.schedule.operator.OperatorLimits.PerMinute;
import io.rutile.pd.schedule.operator.OperatorStep.AddLearner;
import io.rutile.pd.schedule.operator.StoreInfluence;
import io.rutile.pd.schedule.operator.StoreLimits;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OperatorControllerTest {

    @TempDir
    Path directory;

    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private LocalCluster cluster;
    private OperatorController operators;

    @BeforeEach
    void assemble() {
        cluster = new LocalCluster(directory).up(1, 2, 3, 4);
        OperatorLimits limits = new OperatorLimits(
                5,
                Map.of(OperatorKind.BALANCE_REGION, 2),
                new OperatorLimits.Stores(new PerMinute(100, 100), Map.of(9L, new PerMinute(1, 1))));
        operators = new OperatorController(() -> limits, cluster::nanos, metrics);
    }

    @Test
    void higherRankTakesTheRegionFromALowerOne() {
        assertThat(add(1, OperatorKind.BALANCE_REGION, 4)).isEqualTo(Admission.ADDED);
        assertThat(add(1, OperatorKind.BALANCE_LEADER, 4)).isEqualTo(Admission.REGION_BUSY);
        assertThat(add(1, OperatorKind.REPAIR, 5)).isEqualTo(Admission.ADDED);

        assertThat(operators.operatorOf(1)).extracting(Operator::kind).isEqualTo(OperatorKind.REPAIR);
        assertThat(operators.lastEnded(1).orElseThrow().status()).isEqualTo(Operator.Status.REPLACED);
        assertThat(operators.influenceOn(4)).isEqualTo(StoreInfluence.NONE);
        assertThat(operators.countOf(OperatorKind.BALANCE_REGION)).isZero();
    }

    @Test
    void eachKindHasItsBoundR10() {
        add(1, OperatorKind.BALANCE_REGION, 4);
        add(2, OperatorKind.BALANCE_REGION, 4);

        assertThat(operators.allows(OperatorKind.BALANCE_REGION)).isFalse();
        assertThat(add(3, OperatorKind.BALANCE_REGION, 4)).isEqualTo(Admission.KIND_FULL);
        assertThat(add(3, OperatorKind.REPAIR, 4)).isEqualTo(Admission.ADDED);
    }

    @Test
    void storesLimitHoldsUnlessSomebodyAskedForIt() {
        assertThat(add(1, OperatorKind.REPAIR, 9)).isEqualTo(Admission.ADDED);
        assertThat(add(2, OperatorKind.REPAIR, 9)).isEqualTo(Admission.STORE_LIMIT);
        assertThat(add(2, OperatorKind.ADMIN, 9)).isEqualTo(Admission.ADDED);
        assertThat(operators.tokens(9, StoreLimits.Kind.ADD)).isNegative();
        assertThat(operators.add(plan(region(4, "", "", 1, 2, 3).size(64).info(), OperatorKind.SCATTER)
                        .addOn(9)
                        .skipStoreLimits()
                        .build(cluster.ids(), 0)
                        .join()))
                .isEqualTo(Admission.ADDED);

        cluster.pass(Duration.ofMinutes(4));
        assertThat(add(3, OperatorKind.REPAIR, 9)).isEqualTo(Admission.ADDED);
    }

    @Test
    void influenceGoesStepByStepAsHeartbeatsShowItD1() {
        RegionInfo region = region(1, "", "", 1, 2, 3).size(64).info();
        Operator operator = plan(region, OperatorKind.REPAIR)
                .addOn(4)
                .remove(peer(1, 1))
                .build(cluster.ids(), 0)
                .join();
        operators.add(operator);
        assertThat(operators.influenceOn(4)).isEqualTo(new StoreInfluence(1, 0, 64 << 20, 0, 1));
        assertThat(operators.influenceOn(1)).isEqualTo(new StoreInfluence(-1, -1, -(64 << 20), -(64 << 20), 0));
        assertThat(operators.influenceOn(2)).isEqualTo(new StoreInfluence(0, 1, 0, 64 << 20, 0));

        long added = ((AddLearner) operator.steps().get(0)).peer().getId();
        operators.dispatch(region(1, "", "", 1, 2, 3)
                .plus(peer(1, 4).toBuilder().setId(added).build())
                .epoch(2, 1)
                .size(64)
                .info());

        assertThat(operators.influenceOn(4)).isEqualTo(StoreInfluence.NONE);
        assertThat(operators.influenceOn(1).peers()).isEqualTo(-1);
        operators.cancel(1);
        assertThat(operators.influenceOn(1)).isEqualTo(StoreInfluence.NONE);
        assertThat(operators.influenceOn(2)).isEqualTo(StoreInfluence.NONE);
    }

    @Test
    void partnersEndTogether() {
        RegionInfo first = region(1, "", "m", 1, 2, 3).info();
        RegionInfo second = region(2, "m", "", 1, 2, 3).info();
        operators.add(plan(first, OperatorKind.MERGE)
                .mergeInto(second)
                .build(cluster.ids(), 0)
                .join());
        operators.add(plan(second, OperatorKind.MERGE)
                .absorb(first)
                .build(cluster.ids(), 0)
                .join());
        assertThat(operators.dispatch(second)).as("it is told nothing").isEmpty();
        assertThat(operators.dispatch(region(1, "", "m", 1, 2, 3).epoch(1, 2).info()))
                .as("its version may move while it merges")
                .isPresent();

        operators.dispatch(region(2, "", "", 1, 2, 3).epoch(1, 3).info());

        assertThat(operators.size()).isZero();
        assertThat(operators.lastEnded(1).orElseThrow().status()).isEqualTo(Operator.Status.FINISHED);
    }

    /** The source's second new version, or another change of the target, says that it was rolled back. */
    @Test
    void aMergeThatWasCalledOffEndsForBoth() {
        for (RegionInfo news : List.of(
                region(1, "", "m", 1, 2, 3).epoch(2, 3).info(),
                region(2, "m", "", 1, 2, 3).epoch(1, 2).info(),
                region(2, "m", "", 1, 2, 3).epoch(2, 1).info())) {
            RegionInfo first = region(1, "", "m", 1, 2, 3).info();
            RegionInfo second = region(2, "m", "", 1, 2, 3).info();
            operators.add(plan(first, OperatorKind.MERGE)
                    .mergeInto(second)
                    .build(cluster.ids(), 0)
                    .join());
            operators.add(plan(second, OperatorKind.MERGE)
                    .absorb(first)
                    .build(cluster.ids(), 0)
                    .join());
            assertThat(operators.dispatch(first)).as("told").isPresent();
            assertThat(operators.dispatch(
                            region(1, "", "m", 1, 2, 3).epoch(2, 2).info()))
                    .as("prepared, and asked on")
                    .isPresent();

            operators.dispatch(news);

            assertThat(operators.size()).isZero();
            assertThat(operators.lastEnded(1).orElseThrow().status()).isEqualTo(Operator.Status.CANCELLED);
        }
    }

    @Test
    void endedOperatorsAreRememberedWithinBoundsR10() {
        for (long id = 1; id <= 2_000; id++) {
            add(id, OperatorKind.REPAIR, 4);
            operators.cancel(id);
            cluster.pass(Duration.ofMinutes(1));
        }

        assertThat(operators.lastEnded(2_000)).isPresent();
        assertThat(operators.lastEnded(1)).isEmpty();
        assertThat(operators.cancel(7)).isFalse();
    }

    private Admission add(long regionId, OperatorKind kind, long store) {
        RegionInfo region = region(regionId, "", "", 1, 2, 3).size(64).info();
        return operators.add(plan(region, kind)
                .addOn(store)
                .build(cluster.ids(), cluster.nanos())
                .join());
    }

    private static OperatorBuilder plan(RegionInfo region, OperatorKind kind) {
        return new OperatorBuilder(region, new Purpose("test", kind, "a test"));
    }
}
