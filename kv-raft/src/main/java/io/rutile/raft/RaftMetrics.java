package io.rutile.raft;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** What the groups of one store count together. All names are listed in docs/rooms/kv-raft.md. */
final class RaftMetrics {

    final Timer propose;
    final Timer commit;
    private final Timer apply;
    final DistributionSummary applyEntries;
    final Timer readIndex;
    final Counter readRounds;
    final Timer followerReads;
    final Counter followerReadsRefused;
    final Counter refusedBusy;
    final Counter refusedEntries;
    final Counter undetermined;
    final Counter elections;
    final Counter votesWithheld;
    final Counter unknownReplicas;
    final Counter compactions;
    final Counter failures;
    final Counter imageBackoffs;

    /** What disks differ in: a good one, a busy one, one that is about to lose its leaders. */
    private static final Duration[] DISK_BUCKETS = {
        Duration.ofMillis(1),
        Duration.ofMillis(5),
        Duration.ofMillis(20),
        Duration.ofMillis(100),
        Duration.ofMillis(500),
        Duration.ofSeconds(2)
    };

    private final StoreLatencies latencies;

    RaftMetrics(MeterRegistry meters, Map<Long, JRaftAdapter<?>> groups, StoreLatencies latencies) {
        this.latencies = latencies;
        apply = Timer.builder("kv.raft.apply")
                .description("A batch of entries in a state machine")
                .serviceLevelObjectives(DISK_BUCKETS)
                .register(meters);
        propose = Timer.builder("kv.raft.propose")
                .description("From a proposal to its outcome, acknowledged ones")
                .publishPercentileHistogram()
                .register(meters);
        commit = Timer.builder("kv.raft.commit")
                .description("From a proposal until it is committed and the state machine takes it up")
                .serviceLevelObjectives(DISK_BUCKETS)
                .register(meters);
        readIndex = Timer.builder("kv.raft.readindex")
                .description("Reads that had to ask a majority")
                .register(meters);
        readRounds = Counter.builder("kv.raft.readindex.rounds")
                .description("Rounds to a majority; many reads share one")
                .register(meters);
        followerReads = Timer.builder("kv.raft.follower.reads")
                .description(
                        "From a follower's question to its leader until it has applied what the leader had committed")
                .register(meters);
        followerReadsRefused = Counter.builder("kv.raft.follower.reads.refused")
                .description(
                        "Reads that a follower may not serve: no leader known, no answer in time, too far behind, too many")
                .register(meters);
        applyEntries = DistributionSummary.builder("kv.raft.apply.entries")
                .description("Entries of one applied batch")
                .register(meters);
        refusedEntries = Counter.builder("kv.raft.entries.refused")
                .description("Messages of entries not taken from a leader because too many are in memory")
                .register(meters);
        refusedBusy = Counter.builder("kv.raft.propose.busy")
                .description("Proposals refused because a bound was hit")
                .register(meters);
        undetermined = Counter.builder("kv.raft.propose.undetermined")
                .description("Proposals whose leader lost its place while they were on their way")
                .register(meters);
        elections = Counter.builder("kv.raft.leader.starts")
                .description("Times that a replica of this store began to lead")
                .register(meters);
        votesWithheld = Counter.builder("kv.raft.votes.withheld")
                .description("Votes not granted or not asked for because a leader may still count on this replica")
                .register(meters);
        unknownReplicas = Counter.builder("kv.raft.unknown.replicas")
                .description("Messages to replicas that do not run here")
                .register(meters);
        compactions = Counter.builder("kv.raft.compactions")
                .description("Logs cut because their entries are safe in the state machine")
                .register(meters);
        failures = Counter.builder("kv.raft.failures")
                .description("Replicas that died of their disk or of an exception in apply")
                .register(meters);
        imageBackoffs = Counter.builder("kv.raft.images.backoffs")
                .description("Images that were made in vain: the replica has to wait for the next one")
                .register(meters);
        Gauge.builder("kv.raft.groups", groups, Map::size)
                .description("Replicas that run on this store")
                .register(meters);
        Gauge.builder(
                        "kv.raft.leaders",
                        groups,
                        all -> all.values().stream()
                                .filter(JRaftAdapter::isLeader)
                                .count())
                .description("Replicas of this store that lead")
                .register(meters);
        Gauge.builder(
                        "kv.raft.leaderless",
                        groups,
                        all -> all.values().stream()
                                .filter(JRaftAdapter::isLeaderless)
                                .count())
                .description("Living replicas of this store that know of no leader: an election, or no quorum in reach")
                .register(meters);
        Gauge.builder("kv.raft.apply.lag", groups, RaftMetrics::applyLag)
                .description("Entries committed and not applied yet, of the replica of this store that lags most")
                .baseUnit("entries")
                .register(meters);
    }

    private static long applyLag(Map<Long, JRaftAdapter<?>> groups) {
        return groups.values().stream()
                .mapToLong(group -> group.committedIndex() - group.appliedIndex())
                // What was applied between the two looks is no debt.
                .reduce(0, Math::max);
    }

    void applied(long nanos) {
        apply.record(nanos, TimeUnit.NANOSECONDS);
        latencies.applied(nanos);
    }
}
