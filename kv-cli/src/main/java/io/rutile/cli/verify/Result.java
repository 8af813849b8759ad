package io.rutile.cli.verify;

import io.rutile.cli.fault.Fault;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * What became of one workload with one protocol.
 *
 * @param judgement of its history
 * @param commits how many transactions were committed which way, as the client counted them: {@code two_phase}, {@code async}, {@code
 *     one_phase}, {@code read_only}
 * @param faults how often each was done meanwhile
 * @param leaderChanges how often another leader was seen meanwhile
 * @param troubles what went wrong that is no anomaly: a call that was never answered, a process that didn't come back
 * @param history where it is
 */
public record Result(
        Judgement judgement,
        Map<String, Long> commits,
        Map<Fault, Integer> faults,
        int leaderChanges,
        List<String> troubles,
        Path history) {

    public Result {
        commits = Map.copyOf(commits);
        faults = Map.copyOf(faults);
        troubles = List.copyOf(troubles);
    }

    public boolean isClean() {
        return judgement.isClean() && troubles.isEmpty();
    }
}
