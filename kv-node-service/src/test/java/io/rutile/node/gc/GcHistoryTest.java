package io.rutile.node.gc;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.metapb.RegionEpoch;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Times are in minutes. */
class GcHistoryTest {

    private final GcHistory history = new GcHistory(Duration.ofMinutes(5));

    private static GcRegion region(long id, long version, long writes) {
        return region(id, version, 3, writes);
    }

    private static GcRegion region(long id, long version, long term, long writes) {
        return new GcRegion(
                Context.newBuilder()
                        .setRegionId(id)
                        .setRegionEpoch(RegionEpoch.newBuilder().setVersion(version))
                        .build(),
                term,
                writes);
    }

    private static long ms(long minute) {
        return Duration.ofMinutes(minute).toMillis();
    }

    private List<GcRegion> due(long safePointMinute, long nowMinute, GcRegion... led) {
        return history.due(List.of(led), TimeStamp.of(ms(safePointMinute), 0), ms(nowMinute));
    }

    private void collected(GcRegion region, long safePointMinute) {
        history.collected(region, TimeStamp.of(ms(safePointMinute), 0));
    }

    @Test
    void aRegionIsDueUntilAPassHasGoneThroughIt() {
        GcRegion one = region(1, 1, 0);

        assertThat(due(90, 100, one)).containsExactly(one);
        assertThat(due(90, 101, one)).containsExactly(one);
        collected(one, 90);

        assertThat(due(90, 102, one)).isEmpty();
    }

    @Test
    void itIsDueAgainWhenTheSafePointHasMovedFarEnough() {
        GcRegion one = region(1, 1, 0);
        due(90, 100, one);
        collected(one, 90);

        assertThat(due(94, 104, one)).isEmpty();
        assertThat(due(95, 105, one)).containsExactly(one);
    }

    @Test
    void aRegionWithoutWritesIsCleanOnceTheSafePointHasPassedTheLastOne() {
        GcRegion one = region(1, 1, 7);
        due(90, 100, one);
        collected(one, 90);
        assertThat(due(110, 120, one)).containsExactly(one);
        collected(one, 110); // later than minute 100, when it was seen to have changed

        assertThat(due(500, 510, one)).isEmpty();
    }

    @Test
    void p7_aWriteMakesItDueAgain() {
        GcRegion one = region(1, 1, 7);
        due(90, 100, one);
        collected(one, 110);
        assertThat(due(500, 510, one)).isEmpty();

        GcRegion written = region(1, 1, 8);

        assertThat(due(500, 511, written)).containsExactly(written);
        collected(written, 500);
        assertThat(due(506, 516, written)).containsExactly(written);
        collected(written, 513);
        assertThat(due(900, 910, written)).isEmpty();
    }

    @Test
    void aPassThatBeganBeforeAWriteDoesNotMakeItClean() {
        GcRegion before = region(1, 1, 7);
        due(90, 100, before);
        collected(before, 90);
        due(110, 120, before);
        collected(before, 110); // the write came while this pass was under way

        GcRegion after = region(1, 1, 8);

        assertThat(due(120, 121, after)).containsExactly(after);
    }

    @Test
    void aSplitOrMergedRegionIsAnotherOne() {
        due(90, 100, region(1, 1, 0));
        collected(region(1, 1, 0), 90);

        GcRegion split = region(1, 2, 0);

        assertThat(due(90, 101, split)).containsExactly(split);
        collected(region(1, 1, 0), 90); // a pass over the old range says nothing about the new one
        assertThat(due(90, 102, split)).containsExactly(split);
    }

    @Test
    void aRegionThatMovedAwayAndBackIsLookedThroughAgain() {
        GcRegion one = region(1, 1, 0);
        due(90, 100, one);
        collected(one, 90);
        due(90, 101);

        assertThat(due(90, 102, one)).containsExactly(one);
    }

    @Test
    void p7_whatWasWrittenUnderAnotherLeaderInBetweenIsNotMissed() {
        GcRegion before = region(1, 1, 3, 7);
        due(90, 100, before);
        collected(before, 110);
        assertThat(due(500, 510, before)).isEmpty();

        // An image brought the other leader's writes: the counter of this replica does not know them.
        GcRegion after = region(1, 1, 5, 7);

        assertThat(due(500, 511, after)).containsExactly(after);
    }

    @Test
    void aSafePointBehindTheLastOneIsOwedNothing() {
        GcRegion one = region(1, 1, 0);
        due(90, 100, one);
        collected(one, 90);

        assertThat(due(80, 101, one)).isEmpty();
    }
}
