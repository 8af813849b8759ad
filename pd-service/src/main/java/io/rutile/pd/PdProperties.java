package io.rutile.pd;

import io.rutile.pd.cluster.ClusterState.StoreSilence;
import io.rutile.pd.gc.GcOptions;
import io.rutile.pd.http.HttpOptions;
import io.rutile.pd.leader.LeaderOptions;
import io.rutile.pd.meta.HostPort;
import io.rutile.pd.meta.InitialCluster;
import io.rutile.pd.meta.KeyspaceRecord;
import io.rutile.pd.meta.MemberDirectory;
import io.rutile.pd.meta.MemberIdentity;
import io.rutile.pd.meta.Setting;
import io.rutile.pd.rpc.DoorOptions;
import io.rutile.pd.schedule.ScheduleOptions;
import io.rutile.pd.schedule.Schedulers;
import io.rutile.pd.schedule.placement.Locations;
import jakarta.validation.Valid;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.NotNull;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;
import org.springframework.validation.annotation.Validated;

/**
 * Settings of one member, {@code rutile.pd.*}. Read once, at the start. docs/configuration.md is made of these comments, and {@code
 * ConfigurationDocTest} tries the ends of every {@code Range:}, which are part of it.
 *
 * @param name this member's name in {@code initial-cluster}, or the one that it joins under: letters, digits, '-', '_', '.'
 * @param dataDir directory of hard state and log; made if missing, one member's alone
 * @param clientAddress {@code host:port} where clients and stores connect
 * @param advertiseClientUrl URL that clients are told, with scheme and port. Default: {@code http://}, or {@code https://} with {@code
 *     rutile.tls.bundle}, and the client address
 * @param raftAddress {@code host:port} where other members connect
 * @param advertiseRaftAddress {@code host:port} that other members are told to connect to, for a member that joins. Default: {@code
 *     rutile.pd.raft-address}
 * @param join client URLs of members of a running cluster, {@code http://host:port} or {@code https://host:port}: a member whose directory is
 *     empty joins it, and keeps to what its directory says ever after. Default: none
 * @param initialCluster all members as {@code name=host:port,…} with their Raft addresses, in the same order everywhere. Default: this
 *     member alone
 * @param electionTimeout silence of the leader after which another is elected. Range: 200ms to 1m
 * @param tsoWindow how far the saved bound of timestamps is ahead of the clock. Range: 500ms to 1m
 * @param schedule replicas and stores
 * @param gc garbage of transactions
 * @param keyspaces names of keyspaces that are created where they are missing; none is ever taken away. Default: none
 * @param limits bounds of the client port
 */
@ConfigurationProperties("rutile.pd")
@Validated
public record PdProperties(
        @DefaultValue("pd-1") @NotBlank String name,
        @DefaultValue("data/pd-1") @NotNull Path dataDir,
        @DefaultValue("127.0.0.1:2379") @NotBlank String clientAddress,
        @Nullable String advertiseClientUrl,
        @DefaultValue("127.0.0.1:2380") @NotBlank String raftAddress,
        @Nullable String advertiseRaftAddress,
        @DefaultValue List<String> join,
        @Nullable String initialCluster,
        @DefaultValue("1s") Duration electionTimeout,
        @DefaultValue("3s") Duration tsoWindow,
        @DefaultValue @Valid Schedule schedule,
        @DefaultValue Gc gc,
        @DefaultValue List<String> keyspaces,
        @DefaultValue @Valid Limits limits) {

    /** Below this, a store would be disconnected between two heartbeats whatever their pause. */
    private static final Duration SILENCE_MIN = Duration.ofMillis(100);

    /**
     * What a leader repairs, and when.
     *
     * @param maxReplicas replicas of a Region in a cluster that begins now. Range: 1 to 9. Reload: later, over PD's HTTP API ({@code
     *     replication.max-replicas}), which then holds
     * @param storeDisconnectedAfter silence after which a store gets nothing new. Range: 100ms to {@code store-down-after}
     * @param storeDownAfter silence after which a store's replicas are replaced. Range: {@code store-disconnected-after} to 365d. Reload: over PD's HTTP
     *     API ({@code schedule.max-store-down-time}), which then holds
     * @param storeFreeMin bytes; a store with less free space gets no new replica. Range: from 0B
     * @param operatorsMax operators under way at once, over all Regions. Range: from 1
     * @param receivingMax replicas that one store may receive at once. Range: from 1
     * @param schedulersOff schedulers that do nothing: {@code balance-leader}, {@code balance-region}, {@code hot-region}, {@code
     *     evict-leader}, {@code evict-slow-store}. Default: none. Reload: over PD's HTTP API, schedulers are added, removed and paused
     * @param locationLabels labels of stores that name ever smaller places, such as {@code zone,host}, at most 8. Default: none. Reload: over PD's HTTP
     *     API ({@code replication.location-labels}), which then holds
     * @param isolationLevel the one of them of which no two replicas of a Region may share the place. Default: empty, they may share any.
     *     Reload: over PD's HTTP API ({@code replication.isolation-level}), which then holds
     */
    public record Schedule(
            @DefaultValue("3") @Min(1) @Max(9) int maxReplicas,
            @DefaultValue("20s") Duration storeDisconnectedAfter,
            @DefaultValue("30m") Duration storeDownAfter,
            @DefaultValue("1GB") DataSize storeFreeMin,
            @DefaultValue("2048") @Min(1) int operatorsMax,
            @DefaultValue("16") @Min(1) int receivingMax,
            @DefaultValue Set<String> schedulersOff,
            @DefaultValue List<String> locationLabels,
            @DefaultValue("") String isolationLevel) {}

    /**
     * How garbage is collected: docs/operations/gc.md.
     *
     * @param enabled false if somebody else moves the safe points, or nobody should
     * @param life how long a version that was overwritten can still be read, and a transaction can last. Range: 1m to 365d
     * @param interval pause between two rounds. Range: 1s to 1d
     * @param grace how long the transaction safe point stands before the GC safe point follows; clients trust what they know of it for up to
     *     90 s. Range: 0s to 1h
     */
    public record Gc(
            @DefaultValue("true") boolean enabled,
            @DefaultValue("10m") Duration life,
            @DefaultValue("1m") Duration interval,
            @DefaultValue("100s") Duration grace) {}

    /**
     * Bounds of the client port.
     *
     * @param connectionsMax connections open at once; one more is closed. Range: from 1
     * @param silentConnectionsMax of those, how many may not have spoken yet. Range: from 1
     * @param silenceTimeout how long a connection may take until it has spoken. Range: 100ms to 1h
     * @param idleTimeout after which a connection without a call is closed in good order. Range: 1s to 365d
     * @param callsPerConnectionMax concurrent calls on one connection. Range: from 1
     * @param httpConnectionsMax of the connections, how many may speak HTTP/1.1. Range: from 1
     */
    public record Limits(
            @DefaultValue("4096") @Min(1) int connectionsMax,
            @DefaultValue("256") @Min(1) int silentConnectionsMax,
            @DefaultValue("10s") Duration silenceTimeout,
            @DefaultValue("30m") Duration idleTimeout,
            @DefaultValue("1024") @Min(1) int callsPerConnectionMax,
            @DefaultValue("256") @Min(1) int httpConnectionsMax) {}

    /**
     * The plain options of the assembly.
     *
     * @throws PdStartException in words for whoever wrote the settings
     */
    public PdOptions toOptions() {
        checkRange("election-timeout", electionTimeout, Duration.ofMillis(200), Duration.ofMinutes(1));
        checkRange("tso-window", tsoWindow, Duration.ofMillis(500), Duration.ofMinutes(1));
        if (schedule.storeDisconnectedAfter().compareTo(SILENCE_MIN) < 0) {
            throw refused("schedule.store-disconnected-after", "it must be " + SILENCE_MIN + " or more", null);
        }
        if (schedule.storeFreeMin().toBytes() < 0) {
            throw refused("schedule.store-free-min", "it must not be negative", null);
        }
        checkRange(
                "schedule.store-down-after",
                schedule.storeDownAfter(),
                schedule.storeDisconnectedAfter(),
                Duration.ofDays(365));
        checkRange("limits.silence-timeout", limits.silenceTimeout(), Duration.ofMillis(100), Duration.ofHours(1));
        checkRange("limits.idle-timeout", limits.idleTimeout(), Duration.ofSeconds(1), Duration.ofDays(365));
        checkRange("gc.life", gc.life(), Duration.ofMinutes(1), Duration.ofDays(365));
        checkRange("gc.interval", gc.interval(), Duration.ofSeconds(1), Duration.ofDays(1));
        checkRange("gc.grace", gc.grace(), Duration.ZERO, Duration.ofHours(1));
        checkSchedulers();
        checkLocations();
        checkAdvertised();
        checkKeyspaces();
        checkJoin();
        return new PdOptions(
                name,
                dataDir.toAbsolutePath(),
                address("client-address", clientAddress),
                advertiseClientUrl,
                address("raft-address", raftAddress),
                advertiseRaftAddress == null ? null : address("advertise-raft-address", advertiseRaftAddress),
                cluster(),
                join,
                electionTimeout,
                new LeaderOptions(
                        tsoWindow,
                        new StoreSilence(schedule.storeDisconnectedAfter(), schedule.storeDownAfter()),
                        schedule.maxReplicas(),
                        scheduleOptions(),
                        new GcOptions(gc.enabled(), gc.life(), gc.interval(), gc.grace()),
                        keyspaces),
                new DoorOptions(
                        limits.connectionsMax(),
                        limits.silentConnectionsMax(),
                        limits.silenceTimeout(),
                        limits.idleTimeout(),
                        limits.callsPerConnectionMax()),
                HttpOptions.DEFAULTS.withConnectionsMax(limits.httpConnectionsMax()));
    }

    private ScheduleOptions scheduleOptions() {
        ScheduleOptions options = ScheduleOptions.DEFAULTS
                .withBounds(
                        schedule.operatorsMax(),
                        schedule.receivingMax(),
                        schedule.storeFreeMin().toBytes())
                .withSchedulersOff(schedule.schedulersOff());
        return options.withPlacement(
                options.placement().withLocations(new Locations(schedule.locationLabels(), schedule.isolationLevel())));
    }

    private InitialCluster cluster() {
        try {
            InitialCluster cluster =
                    InitialCluster.parse(initialCluster == null ? name + "=" + raftAddress : initialCluster);
            if (join.isEmpty()) {
                cluster.idOf(name);
            }
            return cluster;
        } catch (IllegalArgumentException e) {
            throw refused("initial-cluster", String.valueOf(e.getMessage()), e);
        }
    }

    private void checkSchedulers() {
        for (String off : schedule.schedulersOff()) {
            if (!Schedulers.NAMES.contains(off)) {
                throw refused("schedule.schedulers-off", "'" + off + "' is none of " + Schedulers.NAMES, null);
            }
        }
    }

    private void checkLocations() {
        if (!Setting.LOCATION_LABELS.allows(String.join(",", schedule.locationLabels()))) {
            throw refused(
                    "schedule.location-labels",
                    "'" + String.join(",", schedule.locationLabels())
                            + "' is not a list of at most 8 names of labels, each once",
                    null);
        }
        String isolation = schedule.isolationLevel();
        if (!isolation.isEmpty() && !schedule.locationLabels().contains(isolation)) {
            throw refused(
                    "schedule.isolation-level",
                    "'" + isolation + "' is none of the location labels " + schedule.locationLabels(),
                    null);
        }
    }

    private void checkKeyspaces() {
        for (String name : keyspaces) {
            if (!KeyspaceRecord.isName(name)) {
                throw refused("keyspaces", "'" + name + "' is not 1 to 64 letters, digits, '-' or '_'", null);
            }
        }
    }

    private void checkJoin() {
        if (join.isEmpty()) {
            return;
        }
        for (String url : join) {
            if (MemberDirectory.addressOf(url)
                    .filter(address -> url.equals("http://" + address) || url.equals("https://" + address))
                    .isEmpty()) {
                throw refused("join", "'" + url + "' is not of the form http://host:port or https://host:port", null);
            }
        }
        if (!MemberIdentity.isName(name)) {
            throw refused(
                    "name",
                    "'" + name
                            + "' is not 1 to 64 letters, digits, '-', '_' or '.', the first and last a letter or digit",
                    null);
        }
        HostPort told = address("raft-address", advertiseRaftAddress == null ? raftAddress : advertiseRaftAddress);
        if (told.host().equals("0.0.0.0") || told.host().equals("[::]")) {
            throw refused("advertise-raft-address", "members cannot connect to " + told.host(), null);
        }
    }

    /** Clients take the URL apart and connect to its port: one without a port would send them nowhere. */
    private void checkAdvertised() {
        if (advertiseClientUrl == null) {
            String host = address("client-address", clientAddress).host();
            if (host.equals("0.0.0.0") || host.equals("[::]")) {
                throw refused("advertise-client-url", "clients cannot connect to " + host, null);
            }
            return;
        }
        if (!isUrlWithPort(advertiseClientUrl)) {
            throw refused(
                    "advertise-client-url", "'" + advertiseClientUrl + "' is not of the form http://host:port", null);
        }
    }

    private static boolean isUrlWithPort(String text) {
        try {
            URI url = new URI(text);
            return url.getScheme() != null && url.getHost() != null && url.getPort() > 0;
        } catch (URISyntaxException e) {
            return false;
        }
    }

    private static HostPort address(String setting, String text) {
        try {
            return HostPort.parse(text);
        } catch (IllegalArgumentException e) {
            throw refused(setting, String.valueOf(e.getMessage()), e);
        }
    }

    private static void checkRange(String setting, Duration value, Duration min, Duration max) {
        if (value.compareTo(min) < 0 || value.compareTo(max) > 0) {
            throw refused(setting, "it must be " + min + " to " + max + ", not " + value, null);
        }
    }

    private static PdStartException refused(String setting, String why, @Nullable Throwable cause) {
        return new PdStartException(
                "rutile.pd." + setting + " makes no sense: " + why + ".", "Correct rutile.pd." + setting + ".", cause);
    }
}
