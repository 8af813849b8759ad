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
 * Settings of one member, {@code rutile.pd.*}.
 *
 * @param name this member's name in {@code initial-cluster}, or the one that it joins under: letters, digits, '-', '_', '.'
 * @param dataDir where hard state and log live; created if missing, one member's alone
 * @param clientAddress {@code host:port} where clients and stores connect
 * @param advertiseClientUrl what clients are told, with scheme and port; by default {@code http://}, or
 *     {@code https://} with {@code rutile.tls.bundle}, and the client address
 * @param raftAddress {@code host:port} where other members connect
 * @param advertiseRaftAddress {@code host:port} that other members are told to connect to, for a member that joins; by default the Raft
 *     address
 * @param join client URLs of members of a running cluster, {@code http://host:port} or {@code https://host:port}: a member whose directory is empty joins it, and keeps
 *     to what its directory says ever after
 * @param initialCluster all members as {@code name=host:port,…} with their Raft addresses, in the same order everywhere; by
 *     default this member alone
 * @param electionTimeout silence of the leader after which another is elected, 200 ms to 60 s
 * @param tsoWindow how far the saved bound of timestamps is ahead, 500 ms to 60 s
 * @param schedule replicas and stores
 * @param gc garbage of transactions
 * @param keyspaces names of keyspaces that are created where they are missing; none is ever taken away
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

    /**
     * What a leader repairs, and when.
     *
     * @param maxReplicas replicas of a Region in a cluster that begins now; later it is changed by PutClusterConfig
     * @param storeDisconnectedAfter silence after which a store gets nothing new
     * @param storeDownAfter silence after which a store's replicas are replaced
     * @param storeFreeMin a store with less free space gets no new replica
     * @param operatorsMax changes under way at once
     * @param receivingMax replicas that one store may receive at once
     * @param schedulersOff schedulers that do nothing: {@code balance-leader}, {@code balance-region}, {@code hot-region}, {@code
     *     evict-leader}, {@code evict-slow-store}
     * @param locationLabels labels of stores that name ever smaller places, such as {@code zone,host}, until they are set over HTTP; at
     *     most 8
     * @param isolationLevel the one of them of which no two replicas of a Region may share the place; empty if they may share any
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
     * @param enabled false if somebody else moves the safe points
     * @param life how long a version that was overwritten can still be read, and a transaction can last, 1 min to 1 year
     * @param interval between two rounds, 1 s to 1 day
     * @param grace how long the transaction safe point stands before the GC safe point follows, 0 to 1 h; clients trust
     *     what they know of it for up to 90 s
     */
    public record Gc(
            @DefaultValue("true") boolean enabled,
            @DefaultValue("10m") Duration life,
            @DefaultValue("1m") Duration interval,
            @DefaultValue("100s") Duration grace) {}

    /**
     * Bounds of the client port.
     *
     * @param connectionsMax connections open at once
     * @param silentConnectionsMax of those, how many may not have spoken yet
     * @param silenceTimeout how long a connection may take until it has spoken
     * @param idleTimeout a connection without a call for so long is closed in good order
     * @param callsPerConnectionMax concurrent calls on one connection
     * @param httpConnectionsMax of the connections, how many may speak HTTP/1.1
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
