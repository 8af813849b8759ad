package io.rutile.pd.schedule;

import io.rutile.pd.cluster.ClusterState;
import io.rutile.pd.cluster.IdAllocator;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.schedule.checker.Finding;
import io.rutile.pd.schedule.checker.ReplicaChecker;
import io.rutile.pd.schedule.operator.Operator;
import io.rutile.pd.schedule.operator.OperatorBuilder;
import io.rutile.pd.schedule.operator.OperatorStep;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.pdpb.RegionHeartbeatResponse;
import io.rutile.protocol.pdpb.ResponseHeader;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Says in which order a Region is looked after: an operator under way first, then the checkers. Runs on heartbeats, and as a
 * patrol over all Regions so that a new store is noticed where heartbeats are rare.
 */
public final class Coordinator {

    private final ClusterState cluster;
    private final OperatorController operators;
    private final HeartbeatStreams streams;
    private final IdAllocator ids;
    private final ResponseHeader header;
    private final LongSupplier nanoClock;
    private final ReplicaChecker replicaChecker;
    private final int patrolRegions;
    /** Where the next round goes on; null for the beginning. Only the patrol touches it. */
    private @Nullable ByteKey patrolled;

    /** @param header what every command carries: the cluster id */
    public Coordinator(
            ClusterState cluster,
            OperatorController operators,
            HeartbeatStreams streams,
            IdAllocator ids,
            ResponseHeader header,
            LongSupplier nanoClock,
            ScheduleOptions options) {
        this.cluster = cluster;
        this.operators = operators;
        this.streams = streams;
        this.ids = ids;
        this.header = header;
        this.nanoClock = nanoClock;
        this.patrolRegions = options.patrolRegions();
        this.replicaChecker =
                new ReplicaChecker(cluster, operators::receiving, options.receivingMax(), options.storeFreeBytesMin());
    }

    /** A Region was heard of and taken over: goes on with its operator, or sees whether it needs one. */
    public void onHeartbeat(RegionInfo region) {
        operators.dispatch(region).ifPresent(step -> command(region, step));
        if (operators.operatorOf(region.id()) == null) {
            repair(region);
        }
    }

    /** One bounded round over the Regions; called by one timer. */
    public void patrol() {
        operators.expire();
        List<RegionInfo> round = cluster.regionsAfter(patrolled, patrolRegions);
        for (RegionInfo region : round) {
            if (operators.operatorOf(region.id()) == null) {
                repair(region);
            }
        }
        patrolled = round.size() < patrolRegions
                ? null
                : round.get(round.size() - 1).startKey();
    }

    /** Why something is done for a Region, or why nothing is. */
    public Explanation explain(RegionInfo region) {
        Operator operator = operators.operatorOf(region.id());
        if (operator != null) {
            long ageMs = operator.age(nanoClock.getAsLong()).toMillis();
            return new Explanation(region.id(), false, operator.steps() + ", for " + ageMs + " ms", operator.why());
        }
        Finding finding = check(region);
        if (finding instanceof Finding.Nothing nothing) {
            return new Explanation(region.id(), nothing.healthy(), "nothing", nothing.reason());
        }
        String reason = operators.isFull() ? "too many operators are under way" : "found just now";
        return new Explanation(region.id(), false, "about to be repaired", reason);
    }

    /**
     * How one Region stands.
     *
     * @param healthy nothing needs to be done
     * @param action what is under way
     * @param reason why this, and not something else
     */
    public record Explanation(long region, boolean healthy, String action, String reason) {}

    /** The checkers by priority; the first one that finds something decides. */
    private Finding check(RegionInfo region) {
        return replicaChecker.check(region);
    }

    private void repair(RegionInfo region) {
        if (operators.isFull() || !(check(region) instanceof Finding.Repair repair)) {
            return;
        }
        CompletableFuture<?> unused = start(repair.plan());
    }

    /** Begins what was planned. Completes with false if the Region has an operator already or too many are under way. */
    public CompletableFuture<Boolean> start(OperatorBuilder plan) {
        return plan.build(ids, nanoClock.getAsLong()).thenApply(operator -> {
            boolean added = operators.add(operator);
            if (added) {
                // Looks once more: the Region may have moved on while its new peer's id was fetched.
                cluster.region(operator.regionId())
                        .ifPresent(now -> operators.dispatch(now).ifPresent(step -> command(now, step)));
            }
            return added;
        });
    }

    private void command(RegionInfo region, OperatorStep step) {
        Peer leader = region.leader();
        if (leader == null) {
            return;
        }
        RegionHeartbeatResponse.Builder response = RegionHeartbeatResponse.newBuilder()
                .setHeader(header)
                .setRegionId(region.id())
                .setRegionEpoch(region.epoch())
                .setTargetPeer(leader);
        step.command(response);
        streams.send(leader.getStoreId(), response.build());
    }
}
