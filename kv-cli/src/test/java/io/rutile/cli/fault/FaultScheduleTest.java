package io.rutile.cli.fault;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.cli.fault.FaultSchedule.Planned;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class FaultScheduleTest {

    private static final List<String> NODES = List.of("node-1", "node-2", "node-3");
    private static final List<String> PDS = List.of("pd-1");
    private static final List<String> KEYS =
            IntStream.range(0, 20).mapToObj(i -> "key-" + i).toList();

    private static List<Planned> plan(long seed) {
        return plan(seed, KEYS);
    }

    private static List<Planned> plan(long seed, List<String> splitKeys) {
        return plan(Harm.withoutOrders(splitKeys, seed));
    }

    private static List<Planned> plan(Harm harm) {
        FaultSchedule schedule = new FaultSchedule(NODES, PDS, harm);
        return Stream.generate(schedule::next).limit(500).toList();
    }

    private static Harm everything(long seed) {
        return new Harm(EnumSet.allOf(Fault.class), KEYS, Integer.MAX_VALUE, seed);
    }

    @Test
    void theSeedDecidesAll() {
        assertThat(plan(7)).isEqualTo(plan(7)).isNotEqualTo(plan(8));
    }

    @Test
    void everyFaultComesAndEveryProcessSuffers() {
        assertThat(plan(1)).extracting(Planned::fault).containsOnly(Fault.WITHOUT_ORDERS.toArray(Fault[]::new));
        assertThat(plan(everything(1))).extracting(Planned::fault).contains(Fault.values());
        assertThat(plan(1)).extracting(Planned::target).contains("node-1", "node-2", "node-3", "pd-1");
    }

    @Test
    void thePlacementDriverIsKilledOrFrozenAndNothingElse() {
        assertThat(plan(1))
                .filteredOn(planned -> planned.target().equals("pd-1"))
                .isNotEmpty()
                .allMatch(planned -> planned.fault() == Fault.KILL || planned.fault() == Fault.PAUSE)
                .noneMatch(Planned::atLeader);
    }

    @Test
    void aDeposedLeaderSleepsThroughTheElection() {
        assertThat(plan(1))
                .filteredOn(planned -> planned.fault() == Fault.DEPOSE)
                .isNotEmpty()
                .allMatch(Planned::atLeader)
                .allMatch(planned -> planned.lasting().compareTo(Duration.ofSeconds(3)) >= 0);
    }

    @Test
    void theFirstIsASplitAndTwelveAtMostAreInFrontOfOneKeyEach() {
        for (long seed = 0; seed < 20; seed++) {
            List<Planned> plan = plan(seed);

            assertThat(plan.get(0).fault()).isEqualTo(Fault.SPLIT);
            assertThat(plan)
                    .filteredOn(planned -> planned.fault() == Fault.SPLIT)
                    .hasSize(12)
                    .extracting(Planned::target)
                    .doesNotHaveDuplicates()
                    .isSubsetOf(KEYS);
        }
        assertThat(plan(1, KEYS.subList(0, 3)))
                .filteredOn(planned -> planned.fault() == Fault.SPLIT)
                .hasSize(3);
        assertThat(plan(1, List.of())).extracting(Planned::fault).doesNotContain(Fault.SPLIT);
    }

    @Test
    void aSplitComesSoonAndIsFollowedByAnotherFault() {
        List<Planned> plan = plan(2);

        assertThat(plan)
                .filteredOn(planned -> planned.fault() == Fault.SPLIT)
                .allMatch(planned -> planned.calm().compareTo(Duration.ofMillis(500)) <= 0);
        for (int i = 1; i < plan.size(); i++) {
            if (plan.get(i - 1).fault() == Fault.SPLIT) {
                assertThat(plan.get(i).fault()).isNotEqualTo(Fault.SPLIT);
            }
        }
    }

    @Test
    void ordersAreAboutKeysAndOnlySomeFaultsMayBeWanted() {
        assertThat(plan(everything(3)))
                .filteredOn(planned -> planned.fault().isOrdered())
                .isNotEmpty()
                .allMatch(planned -> KEYS.contains(planned.target()))
                .extracting(Planned::draw)
                .doesNotHaveDuplicates();
        assertThat(plan(new Harm(Set.of(Fault.MERGE, Fault.SPLIT, Fault.KILL), KEYS, Integer.MAX_VALUE, 3)))
                .extracting(Planned::fault)
                .containsOnly(Fault.MERGE, Fault.SPLIT, Fault.KILL);
        assertThat(plan(new Harm(Set.of(Fault.MERGE, Fault.PAUSE), List.of(), 0, 3)))
                .extracting(Planned::fault)
                .containsOnly(Fault.PAUSE);
    }

    /** Most processes die, freeze or stop soon after something was ordered. */
    @Test
    void whatHappensToProcessesFollowsWhatHappensToRegions() {
        List<Planned> plan = plan(everything(5));
        long harmed = 0;
        long inTheMiddle = 0;
        for (int i = 1; i < plan.size(); i++) {
            if (!plan.get(i).fault().isForARegion()) {
                harmed++;
                inTheMiddle += plan.get(i - 1).fault().isForARegion() ? 1 : 0;
            }
        }

        assertThat(inTheMiddle).isGreaterThan(harmed / 2).isLessThan(harmed);
    }

    /** Where merges make Regions fewer again, all keys come before one comes again. */
    @Test
    void splitsGoOnWhereRegionsAreMerged() {
        List<String> splits = plan(everything(4)).stream()
                .filter(planned -> planned.fault() == Fault.SPLIT)
                .map(Planned::target)
                .toList();

        assertThat(splits).hasSizeGreaterThan(KEYS.size());
        assertThat(splits.subList(0, KEYS.size())).doesNotHaveDuplicates();
    }

    @Test
    void nothingLastsLongerThanSevenSeconds() {
        assertThat(plan(1)).allMatch(planned -> planned.lasting().compareTo(Duration.ofSeconds(7)) <= 0);
    }
}
