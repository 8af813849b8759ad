package io.rutile.gateway.console;

import java.util.List;

/**
 * What is told of the cluster: the shapes of answers, field for field. Keys are hex of their bytes, as PD has them: encoded for
 * transactions and API V2. Sizes are bytes, times milliseconds since the epoch.
 */
public final class ClusterFacts {

    private ClusterFacts() {}

    /**
     * The cluster in a few figures.
     *
     * @param clusterId as a text: it has more digits than numbers of JavaScript
     * @param faults how many Regions lack something, counted every ten seconds
     */
    public record Overview(String clusterId, int maxReplicas, long regions, Faults faults, List<Member> members) {}

    /**
     * Regions that are not as they should be.
     *
     * @param missPeer with fewer replicas than wanted
     * @param downPeer with a replica that its leader has not heard of for long
     * @param pendingPeer with a replica that is catching up
     */
    public record Faults(long missPeer, long downPeer, long pendingPeer) {}

    /**
     * A member of the Placement Driver.
     *
     * @param healthy whether it answered the member that was asked
     */
    public record Member(String name, String url, boolean leader, boolean healthy) {}

    /** A label of a store. */
    public record Label(String key, String value) {}

    /**
     * A store.
     *
     * @param state {@code Up}, {@code Disconnected}, {@code Down}, {@code Offline} (being emptied) or {@code Tombstone}
     * @param regionBytes size of its replicas, to the MiB
     * @param leaderBytes of those, what it leads
     * @param capacityBytes of its disk, to four digits; 0 if it did not tell
     * @param availableBytes of its disk, to four digits
     * @param lastHeartbeatMs 0 if PD's leader has not heard of it
     * @param newReplicas why it gets no replicas, or {@code welcome}
     * @param newLeaders why it gets no leaders, or {@code welcome}
     * @param receiving replicas on their way to it
     * @param traffic by the second, as it last reported
     */
    public record Store(
            long id,
            String address,
            String state,
            String version,
            List<Label> labels,
            long leaders,
            long regions,
            long leaderBytes,
            long regionBytes,
            long capacityBytes,
            long availableBytes,
            long lastHeartbeatMs,
            boolean busy,
            String newReplicas,
            String newLeaders,
            long receiving,
            Traffic traffic) {}

    /** What goes through, by the second. */
    public record Traffic(double writtenBytes, double readBytes, double writtenKeys, double readKeys) {}

    /**
     * A replica of a Region.
     *
     * @param role {@code Voter}, {@code Learner}, or what it is in the middle of a change
     * @param pending it is catching up
     * @param downSeconds for how long its leader has not heard of it; 0 if it has
     */
    public record Peer(long id, long storeId, String role, boolean pending, long downSeconds) {}

    /**
     * A Region as its leader last reported it.
     *
     * @param startKey first key, hex
     * @param endKey first key behind it, hex; empty for the last Region
     * @param leaderStore 0 if nobody led it
     * @param writtenBytes since the report before, as the next three
     */
    public record Region(
            long id,
            String startKey,
            String endKey,
            long leaderStore,
            List<Peer> peers,
            long confVer,
            long version,
            long sizeBytes,
            long keys,
            long writtenBytes,
            long readBytes,
            long writtenKeys,
            long readKeys) {}

    /**
     * Some Regions.
     *
     * @param count of all that there are of the kind
     * @param next hex key at which the next page begins; empty if there is none
     */
    public record RegionPage(long count, List<Region> regions, String next) {}

    /**
     * One Region, and why something is done for it or nothing is.
     *
     * @param healthy nothing needs to be done
     * @param action what is under way
     * @param reason why this, and not something else
     */
    public record RegionDetail(Region region, boolean healthy, String action, String reason, List<Region> siblings) {}

    /** An operator of PD under way. */
    public record Operator(long regionId, String why, List<String> steps, String currentStep, long ageSeconds) {}

    /**
     * Operators under way.
     *
     * @param count of all of them; the list has the first ones by Region
     */
    public record Operators(long count, List<Operator> operators) {}

    /**
     * What a scheduler said last.
     *
     * @param outcome {@code MADE}, {@code NOTHING}, {@code BLOCKED} or {@code OFF}
     */
    public record Scheduler(String name, String outcome, String summary, long atMs) {}

    /** Why a store leads nothing, and for how long. */
    public record Eviction(long storeId, String owner, String why, long leftSeconds) {}

    /** A Region for which something is under way or should be. */
    public record Unhealthy(long regionId, String action, String reason) {}

    /** Why a store gets something or does not. */
    public record StoreReason(long storeId, String newReplicas, String newLeaders, List<Label> schedulers) {}

    /**
     * Why something moves, or why nothing does.
     *
     * @param unhealthy the first hundred
     */
    public record Scheduling(
            List<Scheduler> schedulers,
            List<StoreReason> stores,
            List<Eviction> evictions,
            List<Unhealthy> unhealthy) {}

    /**
     * A range of keys of the heat map, up to where the next row begins.
     *
     * @param startKey first key, hex, at most 128 bytes of it
     * @param regionId of the Region that holds the first key now; 0 if none is known
     * @param regions how many there are in it now, at most 1,000
     */
    public record HeatRow(String startKey, long regionId, long regions) {}

    /**
     * A time of the heat map.
     *
     * @param amounts by row: what went through it in this time
     */
    public record HeatColumn(long fromMs, long toMs, List<Long> amounts) {}

    /** Who reads and writes where; the last column is not over. */
    public record Heat(String of, long nowMs, List<HeatRow> rows, List<HeatColumn> columns) {}
}
