package io.rutile.cli.consistency;

import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.placement.PdHttp;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Checks a cluster: ranges first, then, Region by Region, that all replicas hold the same at one index of the log. A cluster that
 * splits, moves or elects meanwhile is looked at again, so what is found is what stays.
 */
public final class ClusterCheck {

    /** A replica that was just being built gets its next chance after that. */
    private static final Duration ATTEMPT_MAX = Duration.ofSeconds(10);

    private static final Duration PAUSE = Duration.ofMillis(100);
    private static final Duration PAUSE_BETWEEN_LOOKS = Duration.ofMillis(500);

    private final PdHttp pd;
    private final NodeHttp nodes;

    public ClusterCheck(PdHttp pd) {
        this.pd = pd;
        this.nodes = new NodeHttp(pd.security());
    }

    /**
     * Runs it.
     *
     * @param patience how long ranges, and each Region's replicas, may take to be in order; a Region that is large takes as long as it
     *     is read
     * @throws ClusterException if PD does not answer
     */
    public CheckReport run(Duration patience) throws InterruptedException {
        long startNanos = System.nanoTime();
        Survey survey = Survey.take(pd, nodes);
        List<String> findings = RangeAudit.findings(survey);
        while (!findings.isEmpty() && isWithin(startNanos, patience)) {
            pause(PAUSE_BETWEEN_LOOKS);
            survey = Survey.take(pd, nodes);
            findings = RangeAudit.findings(survey);
        }
        List<RegionVerdict> verdicts = new ArrayList<>();
        for (RegionRange region : survey.regions()) {
            verdict(region.id(), survey, patience).ifPresent(verdicts::add);
        }
        List<String> all = new ArrayList<>(findings);
        verdicts.stream()
                .map(RegionVerdict::finding)
                .filter(finding -> !finding.isEmpty())
                .forEach(all::add);
        return new CheckReport(verdicts, all);
    }

    /** Empty if the Region is gone by now, because it was merged. */
    private Optional<RegionVerdict> verdict(long regionId, Survey before, Duration patience)
            throws InterruptedException {
        long startNanos = System.nanoTime();
        Survey survey = before;
        while (true) {
            Optional<RegionRange> region = survey.regions().stream()
                    .filter(known -> known.id() == regionId)
                    .findFirst();
            if (region.isEmpty()) {
                return Optional.empty();
            }
            Attempt attempt = new Attempt(survey, region.get());
            RegionVerdict verdict = attempt.run();
            if (attempt.isFinal() || !isWithin(startNanos, patience)) {
                return Optional.of(verdict);
            }
            pause(PAUSE_BETWEEN_LOOKS);
            survey = Survey.take(pd, nodes);
        }
    }

    private static boolean isWithin(long startNanos, Duration patience) {
        return System.nanoTime() - startNanos < patience.toNanos();
    }

    private static void pause(Duration pause) throws InterruptedException {
        TimeUnit.NANOSECONDS.sleep(pause.toNanos());
    }

    /** One comparison of one Region. */
    private final class Attempt {

        private final Survey survey;
        private final RegionRange region;
        private boolean compared;

        Attempt(Survey survey, RegionRange region) {
            this.survey = survey;
            this.region = region;
        }

        /** True if every replica has a hash: asking again would tell nothing new. */
        boolean isFinal() {
            return compared;
        }

        RegionVerdict run() throws InterruptedException {
            Optional<Replica> leader = survey.leaderOf(region.id());
            if (leader.isEmpty()) {
                return undecided(0, 0, "nobody leads");
            }
            long leaderStore = leader.get().storeId();
            try {
                long index = nodes.check(address(leaderStore), region.id());
                return compare(leaderStore, index);
            } catch (ClusterException e) {
                return undecided(leaderStore, 0, String.valueOf(e.getMessage()));
            }
        }

        private RegionVerdict compare(long leaderStore, long index) throws InterruptedException {
            Replica.Hash leaders = null;
            Set<Long> different = new TreeSet<>();
            List<Long> stores = new ArrayList<>(region.stores());
            // The leader first: the others are compared with it.
            stores.sort((a, b) -> Boolean.compare(b == leaderStore, a == leaderStore));
            for (long storeId : stores) {
                Replica.Hash hash = hash(storeId, index);
                if (hash == null) {
                    return undecided(leaderStore, index, "store " + storeId + " has no hash of index " + index);
                }
                if (leaders == null) {
                    leaders = hash;
                } else if (!String.valueOf(hash.value()).equals(leaders.value())) {
                    different.add(storeId);
                }
            }
            compared = true;
            String finding = different.isEmpty()
                    ? ""
                    : "region " + region.id() + ": stores " + different + " hold something else at index " + index
                            + " than store " + leaderStore + ", which leads";
            return verdict(leaderStore, index, leaders, finding);
        }

        /** Of that index; null if there will be none. */
        private Replica.@Nullable Hash hash(long storeId, long index) throws InterruptedException {
            long startNanos = System.nanoTime();
            while (true) {
                Replica.Hash hash = Replica.of(storeId, nodes.replica(address(storeId), region.id()))
                        .hash();
                boolean computing = hash != null && hash.index() == index && hash.value() == null && !hash.failed();
                if (hash != null && hash.index() == index && hash.value() != null) {
                    return hash;
                }
                if (hash != null && (hash.index() > index || (hash.index() == index && hash.failed()))) {
                    return null;
                }
                if (!computing && !isWithin(startNanos, ATTEMPT_MAX)) {
                    return null;
                }
                pause(PAUSE);
            }
        }

        private String address(long storeId) {
            String address = survey.addresses().get(storeId);
            if (address == null) {
                throw new ClusterException("the Placement Driver doesn't know store " + storeId);
            }
            return address;
        }

        private RegionVerdict undecided(long leaderStore, long index, String why) {
            return verdict(leaderStore, index, null, "region " + region.id() + ": can't be compared, " + why);
        }

        private RegionVerdict verdict(long leaderStore, long index, Replica.@Nullable Hash leaders, String finding) {
            return new RegionVerdict(
                    region.id(),
                    leaderStore,
                    region.stores(),
                    index,
                    leaders == null ? "" : String.valueOf(leaders.value()),
                    leaders == null ? 0 : leaders.records(),
                    finding);
        }
    }
}
