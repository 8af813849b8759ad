package io.rutile.cli.fault;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.cli.fault.FaultSchedule.Planned;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class FaultScheduleTest {

    private static final List<String> NODES = List.of("node-1", "node-2", "node-3");
    private static final List<String> PDS = List.of("pd-1");

    private static List<Planned> plan(long seed) {
        FaultSchedule schedule = new FaultSchedule(seed, NODES, PDS);
        return Stream.generate(schedule::next).limit(500).toList();
    }

    @Test
    void theSeedDecidesAll() {
        assertThat(plan(7)).isEqualTo(plan(7)).isNotEqualTo(plan(8));
    }

    @Test
    void everyFaultComesAndEveryProcessSuffers() {
        assertThat(plan(1)).extracting(Planned::fault).contains(Fault.values());
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
    void nothingLastsLongerThanSevenSeconds() {
        assertThat(plan(1)).allMatch(planned -> planned.lasting().compareTo(Duration.ofSeconds(7)) <= 0);
    }
}
