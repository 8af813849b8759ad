package io.rutile.pd;

import io.rutile.pd.http.HttpOptions;
import io.rutile.pd.leader.LeaderOptions;
import io.rutile.pd.meta.HostPort;
import io.rutile.pd.meta.InitialCluster;
import io.rutile.pd.rpc.DoorOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one member needs to run.
 *
 * @param name its name in the initial cluster
 * @param dataDir created if missing; one member's alone
 * @param clientListen where clients connect; port 0 picks a free one
 * @param advertiseClientUrl what clients are told, with scheme and port; null for {@code http://} and where it listens
 * @param raftListen where other members connect; port 0 picks a free one, which is of use to a member alone
 * @param advertiseRaft where other members are told to connect; null for what the initial cluster says, or {@code raftListen}
 * @param initialCluster the members that the group begins with, this one included; of a member that joins, itself
 * @param join client URLs of members of a running cluster that this one is to join if its directory is empty; empty if it begins one
 * @param electionTimeout silence of the leader after which another is elected
 * @param leader what a leading member does how
 * @param door bounds of the client port
 * @param http bounds of what speaks HTTP/1.1 there
 */
public record PdOptions(
        String name,
        Path dataDir,
        HostPort clientListen,
        @Nullable String advertiseClientUrl,
        HostPort raftListen,
        @Nullable HostPort advertiseRaft,
        InitialCluster initialCluster,
        List<String> join,
        Duration electionTimeout,
        LeaderOptions leader,
        DoorOptions door,
        HttpOptions http) {

    public PdOptions {
        join = List.copyOf(join);
    }

    /** PD stands on quick elections: nobody writes anywhere without timestamps for long. */
    public static final Duration ELECTION_TIMEOUT_DEFAULT = Duration.ofSeconds(1);

    /** A member alone on loopback, any free ports: for tests and trials. */
    public static PdOptions alone(Path dataDir) {
        return new PdOptions(
                "pd-1",
                dataDir,
                new HostPort("127.0.0.1", 0),
                null,
                new HostPort("127.0.0.1", 0),
                null,
                InitialCluster.parse("pd-1=127.0.0.1:0"),
                List.of(),
                ELECTION_TIMEOUT_DEFAULT,
                LeaderOptions.DEFAULTS,
                DoorOptions.DEFAULTS,
                HttpOptions.DEFAULTS);
    }

    public PdOptions withLeader(LeaderOptions options) {
        return new PdOptions(
                name,
                dataDir,
                clientListen,
                advertiseClientUrl,
                raftListen,
                advertiseRaft,
                initialCluster,
                join,
                electionTimeout,
                options,
                door,
                http);
    }

    public PdOptions withDoor(DoorOptions options) {
        return new PdOptions(
                name,
                dataDir,
                clientListen,
                advertiseClientUrl,
                raftListen,
                advertiseRaft,
                initialCluster,
                join,
                electionTimeout,
                leader,
                options,
                http);
    }
}
