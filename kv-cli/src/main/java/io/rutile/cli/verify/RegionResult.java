package io.rutile.cli.verify;

import io.rutile.cli.consistency.CheckReport;
import io.rutile.cli.fault.Fault;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * What became of a cluster whose Regions were changed all the time.
 *
 * @param histories of the transactions
 * @param raw pairs beside them
 * @param finished how often each order was seen to be done
 * @param check of the whole cluster in the end
 * @param troubles what went wrong in the end, such as a cluster that does not come to rest
 */
public record RegionResult(
        List<Result> histories,
        List<RawResult> raw,
        Map<Fault, Integer> finished,
        CheckReport check,
        List<String> troubles) {

    public RegionResult {
        histories = List.copyOf(histories);
        raw = List.copyOf(raw);
        finished = Map.copyOf(finished);
        troubles = List.copyOf(troubles);
    }

    public boolean isClean() {
        return histories.stream().allMatch(Result::isClean)
                && raw.stream().allMatch(RawResult::isClean)
                && check.isClean()
                && troubles.isEmpty();
    }

    /** Over all protocols; workloads of one protocol share their faults. */
    Map<Fault, Integer> faults() {
        Map<Fault, Integer> faults = new EnumMap<>(Fault.class);
        firstOfEachProtocol()
                .forEach(result -> result.faults().forEach((fault, count) -> faults.merge(fault, count, Integer::sum)));
        return faults;
    }

    int leaderChanges() {
        return firstOfEachProtocol().stream().mapToInt(Result::leaderChanges).sum();
    }

    private List<Result> firstOfEachProtocol() {
        String workload =
                histories.isEmpty() ? "" : histories.get(0).judgement().header().workload();
        return histories.stream()
                .filter(result -> result.judgement().header().workload().equals(workload))
                .toList();
    }
}
