package io.rutile.pd.meta;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.pd.meta.MetaOutcome.Moved;
import io.rutile.pd.meta.MetaOutcome.Reason;
import io.rutile.pd.meta.MetaOutcome.Refused;
import io.rutile.protocol.TimeStamp;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What records make of safe points and barriers: gc ≤ txn ≤ every barrier, and nothing goes back (P7). */
class GcRecordTest {

    private static final long NOW_MS = 1_000;
    private static final MetaState AT_TEN =
            after(MetaState.EMPTY.withTsoSavedMs(1_700_000_000_000L), new GcRecord.AdvanceTxnSafePoint(10, NOW_MS));

    @Test
    void txnSafePointStopsAtTheLowestBarrierOfBothSets() {
        MetaState state = set(set(AT_TEN, true, "b", 17, 2_000), false, "a", 15, 2_000);

        MetaOutcome outcome =
                new GcRecord.AdvanceTxnSafePoint(20, NOW_MS).applyTo(state).outcome();

        assertThat(outcome).isEqualTo(new Moved(10, 15, Optional.of(new GcBarrier("a", 15, 2_000))));
    }

    @Test
    void globalBarrierHoldsToo() {
        MetaState state = set(set(AT_TEN, true, "b", 15, 2_000), false, "a", 17, 2_000);

        assertThat(after(state, new GcRecord.AdvanceTxnSafePoint(20, NOW_MS))
                        .gc()
                        .txnSafePoint())
                .isEqualTo(15);
    }

    @Test
    void barrierAtTheTargetBlocksNothing() {
        MetaState state = set(AT_TEN, false, "a", 20, 2_000);

        assertThat(new GcRecord.AdvanceTxnSafePoint(20, NOW_MS).applyTo(state).outcome())
                .isEqualTo(new Moved(10, 20, Optional.empty()));
    }

    @Test
    void barrierExpiresByTheClockOfTheRecordAndIsForgotten() {
        MetaState state = set(AT_TEN, false, "a", 15, 2_000);

        MetaState held = after(state, new GcRecord.AdvanceTxnSafePoint(20, 1_999));
        MetaState free = after(held, new GcRecord.AdvanceTxnSafePoint(20, 2_000));

        assertThat(held.gc().txnSafePoint()).isEqualTo(15);
        assertThat(free.gc().txnSafePoint()).isEqualTo(20);
        assertThat(free.gc().barriers()).isEmpty();
    }

    @Test
    void txnSafePointDoesNotGoBack() {
        assertThat(reason(AT_TEN, new GcRecord.AdvanceTxnSafePoint(9, NOW_MS))).isEqualTo(Reason.BEHIND_SAFE_POINT);
        assertThat(new GcRecord.AdvanceTxnSafePoint(10, NOW_MS).applyTo(AT_TEN).outcome())
                .isEqualTo(new Moved(10, 10, Optional.empty()));
    }

    @Test
    void gcSafePointStaysBetweenItselfAndTheTxnSafePointP7() {
        MetaState state = after(AT_TEN, new GcRecord.AdvanceGcSafePoint(5));

        assertThat(reason(state, new GcRecord.AdvanceGcSafePoint(4))).isEqualTo(Reason.BEHIND_SAFE_POINT);
        assertThat(reason(state, new GcRecord.AdvanceGcSafePoint(11))).isEqualTo(Reason.BEYOND_TXN_SAFE_POINT);
        assertThat(after(state, new GcRecord.AdvanceGcSafePoint(10)).gc().gcSafePoint())
                .isEqualTo(10);
    }

    @Test
    void clientThatKnowsOnlyTheGcSafePointMovesBoth() {
        MetaState state = after(AT_TEN, new GcRecord.UpdateGcSafePoint(30, NOW_MS));

        assertThat(state.gc().txnSafePoint()).isEqualTo(30);
        assertThat(state.gc().gcSafePoint()).isEqualTo(30);
    }

    @Test
    void clientThatKnowsOnlyTheGcSafePointPassesNoBarrierP7() {
        MetaState state = set(AT_TEN, false, "a", 15, 2_000);

        MetaRecord.Transition held = new GcRecord.UpdateGcSafePoint(30, NOW_MS).applyTo(state);

        assertThat(held.outcome()).isEqualTo(new Moved(0, 15, Optional.of(new GcBarrier("a", 15, 2_000))));
        assertThat(held.state().gc().txnSafePoint()).isEqualTo(15);
    }

    @Test
    void timestampFromTheFutureIsRefused() {
        long future = TimeStamp.of(1_700_000_000_000L, 0).value();

        assertThat(reason(AT_TEN, new GcRecord.AdvanceTxnSafePoint(future, NOW_MS)))
                .isEqualTo(Reason.INVALID_VALUE);
        assertThat(reason(AT_TEN, new GcRecord.AdvanceTxnSafePoint(-1, NOW_MS))).isEqualTo(Reason.INVALID_VALUE);
        assertThat(reason(AT_TEN, new GcRecord.UpdateGcSafePoint(-1, NOW_MS))).isEqualTo(Reason.INVALID_VALUE);
        assertThat(after(AT_TEN, new GcRecord.AdvanceTxnSafePoint(future - 1, NOW_MS))
                        .gc()
                        .txnSafePoint())
                .isEqualTo(future - 1);
    }

    @Test
    void barriersAreBoundedAndExpiredOnesMakeRoom() {
        MetaState full = AT_TEN;
        for (int i = 0; i < GcState.BARRIERS_MAX; i++) {
            full = set(full, false, "b" + i, 20, 2_000);
        }

        GcBarrier more = new GcBarrier("more", 20, 9_000);
        assertThat(reason(full, new GcRecord.SetBarrier(false, more, NOW_MS))).isEqualTo(Reason.EXHAUSTED);
        assertThat(after(full, new GcRecord.SetBarrier(false, new GcBarrier("b0", 21, 9_000), NOW_MS))
                        .gc()
                        .barriers())
                .hasSize(GcState.BARRIERS_MAX);
        assertThat(after(full, new GcRecord.SetBarrier(false, more, 2_000)).gc().barriers())
                .containsOnlyKeys("more");
    }

    /** Any records in any order. */
    @Test
    void safePointsNeverGoBackAndNeverPassABarrierP7() {
        long seed = Long.getLong("seed", System.nanoTime());
        Random random = new Random(seed);
        MetaState state = AT_TEN;
        for (int step = 0; step < 20_000; step++) {
            long nowMs = step;
            GcState before = state.gc();
            state = after(state, anyRecord(random, nowMs));
            GcState after = state.gc();
            assertThat(after.gcSafePoint())
                    .as("step %d seed %d", step, seed)
                    .isBetween(before.gcSafePoint(), after.txnSafePoint());
            assertThat(after.txnSafePoint())
                    .as("step %d seed %d", step, seed)
                    .isGreaterThanOrEqualTo(before.txnSafePoint());
            for (boolean global : new boolean[] {false, true}) {
                assertThat(after.barriers(global, nowMs))
                        .as("step %d seed %d", step, seed)
                        .allMatch(barrier -> barrier.ts() >= after.txnSafePoint());
            }
        }
    }

    private static MetaRecord anyRecord(Random random, long nowMs) {
        long ts = nowMs / 4 + random.nextInt(100);
        String id = "b" + random.nextInt(4);
        return switch (random.nextInt(6)) {
            case 0 -> new GcRecord.AdvanceTxnSafePoint(ts, nowMs);
            case 1 -> new GcRecord.AdvanceGcSafePoint(ts);
            case 2 -> new GcRecord.UpdateGcSafePoint(ts, nowMs);
            case 3 -> new GcRecord.DeleteBarrier(random.nextBoolean(), id);
            default ->
                new GcRecord.SetBarrier(
                        random.nextBoolean(), new GcBarrier(id, ts, nowMs + random.nextInt(200)), nowMs);
        };
    }

    private static MetaState set(MetaState state, boolean global, String id, long ts, long expiresAtMs) {
        return after(state, new GcRecord.SetBarrier(global, new GcBarrier(id, ts, expiresAtMs), NOW_MS));
    }

    private static MetaState after(MetaState state, MetaRecord record) {
        return record.applyTo(state).state();
    }

    private static Reason reason(MetaState state, MetaRecord record) {
        MetaRecord.Transition transition = record.applyTo(state);
        assertThat(transition.state()).isSameAs(state);
        assertThat(transition.outcome()).isInstanceOf(Refused.class);
        return ((Refused) transition.outcome()).reason();
    }
}
