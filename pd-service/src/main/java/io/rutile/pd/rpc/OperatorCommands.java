package io.rutile.pd.rpc;

import static io.rutile.pd.rpc.PdCalls.now;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Status;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.leader.LeaderTerm;
import io.rutile.pd.schedule.OperatorController.Ended;
import io.rutile.pd.schedule.RegionSplits;
import io.rutile.pd.schedule.operator.Operator;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.pdpb.ErrorType;
import io.rutile.protocol.pdpb.GetOperatorRequest;
import io.rutile.protocol.pdpb.GetOperatorResponse;
import io.rutile.protocol.pdpb.OperatorStatus;
import io.rutile.protocol.pdpb.ScatterRegionRequest;
import io.rutile.protocol.pdpb.ScatterRegionResponse;
import io.rutile.protocol.pdpb.SplitAndScatterRegionsRequest;
import io.rutile.protocol.pdpb.SplitAndScatterRegionsResponse;
import io.rutile.protocol.pdpb.SplitRegionsRequest;
import io.rutile.protocol.pdpb.SplitRegionsResponse;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;

/** Clients ask for Regions to be split and spread, and how that goes. The schedule thread does it; nothing here waits. */
final class OperatorCommands {

    /** Regions of one request. */
    static final int REGIONS_MAX = 4_096;

    /** A caller that says no deadline hears by then how far its split came; within the time that a command may take. */
    private static final Duration WAIT_MAX = Duration.ofSeconds(8);

    /** What is left of a caller's deadline for the way back. */
    private static final Duration WAY_BACK = Duration.ofMillis(300);

    /**
     * With ids: a percentage, and which of them failed, unknown ones among them. With the one id of older clients: a Region that
     * PD does not know must be described in the request; one that cannot be scattered now is a status.
     */
    CompletableFuture<? extends Message.Builder> scatter(LeaderTerm term, ScatterRegionRequest request) {
        String group = request.getGroup();
        if (request.getRegionsIdCount() > 0) {
            List<Long> ids = request.getRegionsIdList();
            List<Long> failed = scatter(term, ids, group, request.getSkipStoreLimit());
            return now(ScatterRegionResponse.newBuilder()
                    .setFinishedPercentage(percentageLeft(ids.size(), failed.size()))
                    .addAllFailedRegionsId(failed));
        }
        RegionInfo region = term.cluster()
                .region(request.getRegionId())
                .or(() -> described(request))
                .orElseThrow(() -> regionNotFound(request.getRegionId()));
        term.coordinator().scatter(region, group, request.getSkipStoreLimit()).ifPresent(why -> {
            throw Status.UNKNOWN
                    .withDescription("region " + region.id() + " is not scattered: " + why)
                    .asRuntimeException();
        });
        return now(ScatterRegionResponse.newBuilder().setFinishedPercentage(100));
    }

    private static Optional<RegionInfo> described(ScatterRegionRequest request) {
        return request.hasRegion()
                ? Optional.of(new RegionInfo(
                        request.getRegion(),
                        request.hasLeader() ? request.getLeader() : null,
                        List.of(),
                        List.of(),
                        0,
                        0,
                        0))
                : Optional.empty();
    }

    /** The operator under way, else the last one that is remembered. */
    CompletableFuture<? extends Message.Builder> operator(LeaderTerm term, GetOperatorRequest request) {
        long regionId = request.getRegionId();
        Operator running = term.operators().operatorOf(regionId);
        if (running != null) {
            return now(described(running, OperatorStatus.RUNNING));
        }
        Ended ended = term.operators()
                .lastEnded(regionId)
                .orElseThrow(() -> term.cluster().region(regionId).isEmpty()
                        ? regionNotFound(regionId)
                        : new PdError(ErrorType.REGION_NOT_FOUND, "no operator is known for region " + regionId));
        return now(described(
                ended.operator(),
                switch (ended.status()) {
                    case FINISHED -> OperatorStatus.SUCCESS;
                    case TIMED_OUT -> OperatorStatus.TIMEOUT;
                    case REPLACED -> OperatorStatus.REPLACE;
                    case CANCELLED, RUNNING -> OperatorStatus.CANCEL;
                }));
    }

    private static GetOperatorResponse.Builder described(Operator operator, OperatorStatus status) {
        return GetOperatorResponse.newBuilder()
                .setRegionId(operator.regionId())
                .setDesc(ByteString.copyFromUtf8(operator.name()))
                .setKind(ByteString.copyFromUtf8(operator.kind().name().toLowerCase(Locale.ROOT)))
                .setStatus(status);
    }

    CompletableFuture<? extends Message.Builder> split(LeaderTerm term, SplitRegionsRequest request) {
        return split(term, request.getSplitKeysList(), request.getRetryLimit())
                .thenApply(outcome -> SplitRegionsResponse.newBuilder()
                        .setFinishedPercentage(outcome.percentage())
                        .addAllRegionsId(outcome.regions()));
    }

    /** Also spreads what was split before: a caller whose first attempt ran out of time repeats it and gets the same. */
    CompletableFuture<? extends Message.Builder> splitAndScatter(
            LeaderTerm term, SplitAndScatterRegionsRequest request) {
        return split(term, request.getSplitKeysList(), request.getRetryLimit()).thenApply(outcome -> {
            List<Long> failed = scatter(term, outcome.beside(), request.getGroup(), false);
            return SplitAndScatterRegionsResponse.newBuilder()
                    .setSplitFinishedPercentage(outcome.percentage())
                    .setScatterFinishedPercentage(
                            percentageLeft(outcome.beside().size(), failed.size()))
                    .addAllRegionsId(outcome.regions());
        });
    }

    private static CompletableFuture<RegionSplits.Outcome> split(
            LeaderTerm term, List<ByteString> said, long retryLimit) {
        List<ByteKey> keys = said.stream().map(ByteKey::of).toList();
        int retries = retryLimit > 0 ? (int) Math.min(retryLimit, 100) : RegionSplits.RETRIES_DEFAULT;
        if (!keys.isEmpty()
                && keys.stream().allMatch(key -> term.cluster().regionByKey(key).isEmpty())) {
            throw new PdError(ErrorType.REGION_NOT_FOUND, "no region is known for any of the keys");
        }
        CompletableFuture<RegionSplits.Outcome> outcome;
        try {
            outcome = term.coordinator().splits().split(keys, retries, patience());
        } catch (IllegalArgumentException e) {
            throw PdError.unknown("invalid split: " + e.getMessage());
        }
        return outcome.exceptionally(failure -> {
            throw new CompletionException(refusal(failure));
        });
    }

    private static Throwable refusal(Throwable failure) {
        Throwable cause = PdHeaders.unwrapped(failure);
        return cause instanceof RejectedExecutionException
                ? Status.UNAVAILABLE.withDescription(cause.getMessage()).asRuntimeException()
                : cause;
    }

    /** Until the caller's deadline, so that it hears a percentage and not that its time has run out. */
    private static Duration patience() {
        Deadline deadline = Context.current().getDeadline();
        if (deadline == null) {
            return WAIT_MAX;
        }
        Duration left =
                Duration.ofMillis(deadline.timeRemaining(TimeUnit.MILLISECONDS)).minus(WAY_BACK);
        return left.compareTo(WAIT_MAX) > 0 ? WAIT_MAX : left.isNegative() ? Duration.ZERO : left;
    }

    /** The ids of those that are not on their way, unknown ones among them. */
    private static List<Long> scatter(LeaderTerm term, Collection<Long> ids, String group, boolean skipStoreLimit) {
        if (ids.size() > REGIONS_MAX) {
            throw PdError.unknown("at most " + REGIONS_MAX + " regions are scattered at once, not " + ids.size());
        }
        return term.coordinator().scatter(ids, group, skipStoreLimit);
    }

    private static int percentageLeft(int all, int failed) {
        return all == 0 ? 0 : 100 * (all - failed) / all;
    }

    private static PdError regionNotFound(long regionId) {
        return new PdError(ErrorType.REGION_NOT_FOUND, "region " + regionId + " not found");
    }
}
