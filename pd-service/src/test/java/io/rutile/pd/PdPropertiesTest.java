package io.rutile.pd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.pd.cluster.ClusterState.StoreSilence;
import io.rutile.pd.gc.GcOptions;
import io.rutile.pd.http.HttpOptions;
import io.rutile.pd.leader.LeaderOptions;
import io.rutile.pd.meta.HostPort;
import io.rutile.pd.rpc.DoorOptions;
import io.rutile.pd.schedule.ScheduleOptions;
import io.rutile.pd.schedule.placement.Locations;
import io.rutile.pd.schedule.placement.PlacementOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

class PdPropertiesTest {

    @Test
    void defaultsAreAMemberAlone() {
        PdOptions options = bind(Map.of()).toOptions();

        assertThat(options.name()).isEqualTo("pd-1");
        assertThat(options.dataDir()).isEqualTo(Path.of("data/pd-1").toAbsolutePath());
        assertThat(options.clientListen()).isEqualTo(new HostPort("127.0.0.1", 2379));
        assertThat(options.advertiseClientUrl()).isNull();
        assertThat(options.raftListen()).isEqualTo(new HostPort("127.0.0.1", 2380));
        assertThat(options.initialCluster()).hasToString("pd-1=127.0.0.1:2380");
        assertThat(options.electionTimeout()).isEqualTo(PdOptions.ELECTION_TIMEOUT_DEFAULT);
        assertThat(options.leader()).isEqualTo(LeaderOptions.DEFAULTS);
        assertThat(options.door()).isEqualTo(DoorOptions.DEFAULTS);
        assertThat(options.http()).isEqualTo(HttpOptions.DEFAULTS);
    }

    @Test
    void everySettingArrives() {
        PdOptions options = bind(Map.ofEntries(
                        Map.entry("rutile.pd.name", "pd-2"),
                        Map.entry("rutile.pd.data-dir", "/var/lib/pd"),
                        Map.entry("rutile.pd.client-address", "0.0.0.0:3379"),
                        Map.entry("rutile.pd.advertise-client-url", "http://pd-2.example:3379"),
                        Map.entry("rutile.pd.raft-address", "0.0.0.0:3380"),
                        Map.entry("rutile.pd.initial-cluster", "pd-1=a:1,pd-2=b:2"),
                        Map.entry("rutile.pd.election-timeout", "2500ms"),
                        Map.entry("rutile.pd.tso-window", "5s"),
                        Map.entry("rutile.pd.schedule.max-replicas", "5"),
                        Map.entry("rutile.pd.schedule.store-disconnected-after", "30s"),
                        Map.entry("rutile.pd.schedule.store-down-after", "1h"),
                        Map.entry("rutile.pd.schedule.store-free-min", "2GB"),
                        Map.entry("rutile.pd.schedule.operators-max", "10"),
                        Map.entry("rutile.pd.schedule.receiving-max", "2"),
                        Map.entry("rutile.pd.schedule.schedulers-off", "hot-region,balance-leader"),
                        Map.entry("rutile.pd.schedule.location-labels", "zone,host"),
                        Map.entry("rutile.pd.schedule.isolation-level", "zone"),
                        Map.entry("rutile.pd.gc.enabled", "false"),
                        Map.entry("rutile.pd.gc.life", "1h"),
                        Map.entry("rutile.pd.gc.interval", "20s"),
                        Map.entry("rutile.pd.gc.grace", "0s"),
                        Map.entry("rutile.pd.keyspaces", "a,b-1"),
                        Map.entry("rutile.pd.limits.connections-max", "100"),
                        Map.entry("rutile.pd.limits.silent-connections-max", "20"),
                        Map.entry("rutile.pd.limits.silence-timeout", "3s"),
                        Map.entry("rutile.pd.limits.idle-timeout", "4m"),
                        Map.entry("rutile.pd.limits.calls-per-connection-max", "50"),
                        Map.entry("rutile.pd.limits.http-connections-max", "7")))
                .toOptions();

        assertThat(options.name()).isEqualTo("pd-2");
        assertThat(options.dataDir()).isEqualTo(Path.of("/var/lib/pd"));
        assertThat(options.clientListen()).hasToString("0.0.0.0:3379");
        assertThat(options.advertiseClientUrl()).isEqualTo("http://pd-2.example:3379");
        assertThat(options.raftListen()).hasToString("0.0.0.0:3380");
        assertThat(options.initialCluster()).hasToString("pd-1=a:1,pd-2=b:2");
        assertThat(options.electionTimeout()).isEqualTo(Duration.ofMillis(2_500));
        assertThat(options.leader())
                .isEqualTo(new LeaderOptions(
                        Duration.ofSeconds(5),
                        new StoreSilence(Duration.ofSeconds(30), Duration.ofHours(1)),
                        5,
                        ScheduleOptions.DEFAULTS
                                .withBounds(10, 2, 2L << 30)
                                .withSchedulersOff(Set.of("hot-region", "balance-leader"))
                                .withPlacement(PlacementOptions.DEFAULTS
                                        .withBounds(2, 2L << 30)
                                        .withLocations(new Locations(List.of("zone", "host"), "zone"))),
                        new GcOptions(false, Duration.ofHours(1), Duration.ofSeconds(20), Duration.ZERO),
                        List.of("a", "b-1")));
        assertThat(options.door())
                .isEqualTo(new DoorOptions(100, 20, Duration.ofSeconds(3), Duration.ofMinutes(4), 50));
        assertThat(options.http()).isEqualTo(HttpOptions.DEFAULTS.withConnectionsMax(7));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "client-address        | 127.0.0.1              | not an address",
                "raft-address          | :::                    | not an address",
                "client-address        | 127.0.0.1:99999        | no valid port",
                "initial-cluster       | pd-1                   | name=host:port",
                "initial-cluster       | pd-2=127.0.0.1:1       | 'pd-1' is not in initial-cluster",
                "advertise-client-url  | 127.0.0.1:2379         | http://host:port",
                "advertise-client-url  | http://127.0.0.1       | http://host:port",
                "election-timeout      | 1ms                    | it must be",
                "tso-window            | 1h                     | it must be",
                "schedule.store-down-after | 1s                 | it must be",
                "schedule.schedulers-off | balance             | 'balance' is none of",
                "schedule.location-labels | zone,a b           | 'zone,a b' is not a list",
                "schedule.location-labels | zone,zone          | each once",
                "schedule.isolation-level | zone               | 'zone' is none of",
                "limits.silence-timeout | 0s                    | it must be",
                "gc.life               | 59s                    | it must be",
                "gc.interval           | 0s                     | it must be",
                "gc.grace              | 2h                     | it must be",
                "keyspaces             | a b                    | 'a b' is not"
            })
    void nonsenseIsNamedInOneSentence(String setting, String value, String why) {
        PdProperties properties = bind(Map.of("rutile.pd." + setting, value));

        assertThatThrownBy(properties::toOptions)
                .isInstanceOf(PdStartException.class)
                .hasMessageStartingWith("rutile.pd." + setting + " makes no sense")
                .hasMessageContaining(why);
    }

    @Test
    void memberThatListensEverywhereMustSayWhereItIs() {
        PdProperties silent = bind(Map.of("rutile.pd.client-address", "0.0.0.0:2379"));

        assertThatThrownBy(silent::toOptions)
                .isInstanceOf(PdStartException.class)
                .hasMessageContaining("clients cannot connect to 0.0.0.0");
    }

    private static PdProperties bind(Map<String, String> settings) {
        return new Binder(new MapConfigurationPropertySource(settings))
                .bindOrCreate("rutile.pd", Bindable.of(PdProperties.class));
    }
}
