package io.rutile.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.node.cdc.CdcOptions;
import io.rutile.node.gc.GcOptions;
import io.rutile.node.placement.HostPort;
import io.rutile.node.raftstore.ConsistencyOptions;
import io.rutile.node.raftstore.SplitOptions;
import io.rutile.node.raftstore.StaleReadOptions;
import io.rutile.storage.command.ApiVersion;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Configuration;

class KvNodePropertiesTest {

    @Configuration(proxyBeanMethods = false)
    @EnableConfigurationProperties(KvNodeProperties.class)
    static class OnlyProperties {}

    private final ApplicationContextRunner runner =
            new ApplicationContextRunner().withUserConfiguration(OnlyProperties.class);

    @Test
    void onlyTheDataDirectoryHasNoDefault() {
        runner.withPropertyValues("rutile.node.data-dir=/data").run(context -> {
            KvNodeOptions options = context.getBean(KvNodeProperties.class).toOptions();

            assertThat(options.dataDir()).isEqualTo(Path.of("/data"));
            assertThat(options.listen()).isEqualTo(new HostPort("127.0.0.1", 20160));
            assertThat(options.advertise()).isEmpty();
            assertThat(options.raftListen()).isEqualTo(new HostPort("127.0.0.1", 20260));
            assertThat(options.placement().endpoints()).containsExactly("127.0.0.1:2379");
            assertThat(options.placement().storeHeartbeatInterval()).isEqualTo(Duration.ofSeconds(10));
            assertThat(options.apiVersion()).isEqualTo(ApiVersion.V1);
            assertThat(options.cacheBytes()).isEqualTo(EngineMemory.ofThisProcess());
            assertThat(options.electionTimeout()).isEqualTo(Duration.ofSeconds(1));
            assertThat(options.syncLog()).isTrue();
            assertThat(options.gc()).isEqualTo(GcOptions.DEFAULTS);
            assertThat(options.logBytesMax()).isEqualTo(2L << 30);
            assertThat(options.imageBytesPerSecondMax()).isEqualTo(100L << 20);
            assertThat(options.split()).isEqualTo(SplitOptions.DEFAULT);
            assertThat(options.consistency()).isEqualTo(ConsistencyOptions.DEFAULT);
            assertThat(options.staleReads()).isEqualTo(StaleReadOptions.DEFAULT);
            assertThat(options.cdc()).isEqualTo(CdcOptions.DEFAULT);
            assertThat(options.forceReadIndex()).isFalse();
            assertThat(options.rpc().threads()).isGreaterThanOrEqualTo(4);
        });
        runner.run(context -> assertThat(context).hasFailed());
    }

    @Test
    void everyPropertyReachesTheNode() {
        runner.withPropertyValues(
                        "rutile.node.data-dir=/data",
                        "rutile.node.address=0.0.0.0:1",
                        "rutile.node.advertise-address=node-1:2",
                        "rutile.node.raft-address=0.0.0.0:3",
                        "rutile.node.advertise-raft-address=[::1]:4",
                        "rutile.node.status-address=node-1:5",
                        "rutile.node.labels.zone=a",
                        "rutile.node.pd-endpoints=pd-1:2379,pd-2:2379",
                        "rutile.node.pd-connect-timeout=7s",
                        "rutile.node.api-version=V1TTL",
                        "rutile.node.cache-size=64MB",
                        "rutile.node.pending-writes-max=8MB",
                        "rutile.node.disk-reserve=1GB",
                        "rutile.node.log-size=512MB",
                        "rutile.node.image-rate=0",
                        "rutile.node.election-timeout=500ms",
                        "rutile.node.force-read-index=true",
                        "rutile.node.sync-log=false",
                        "rutile.node.store-heartbeat-interval=2s",
                        "rutile.node.region-heartbeat-interval=3s",
                        "rutile.node.expelled-after=4s",
                        "rutile.node.gc-poll-interval=11s",
                        "rutile.node.gc-region-interval=12m",
                        "rutile.node.gc-share=0.5",
                        "rutile.node.split.size=1MB",
                        "rutile.node.split.keys=2000",
                        "rutile.node.split.encoded-only=true",
                        "rutile.node.split.interval=13s",
                        "rutile.node.split.qps=14",
                        "rutile.node.split.bytes-rate=15KB",
                        "rutile.node.split.load-window=16s",
                        "rutile.node.consistency.interval=24h",
                        "rutile.node.consistency.bytes-rate=8MB",
                        "rutile.node.stale-read.interval=0",
                        "rutile.node.stale-read.lock-memory=1MB",
                        "rutile.node.cdc.interval=1s",
                        "rutile.node.cdc.memory=2MB",
                        "rutile.node.cdc.patience=5s",
                        "rutile.node.rpc.threads=3",
                        "rutile.node.rpc.timeout-default=5s",
                        "rutile.node.rpc.timeout-max=6s",
                        "rutile.node.rpc.connections-max=8",
                        "rutile.node.rpc.connections-per-address-max=9",
                        "rutile.node.rpc.handshake-timeout=10s",
                        "rutile.node.rpc.slow-threshold=2s")
                .run(context -> {
                    KvNodeOptions options =
                            context.getBean(KvNodeProperties.class).toOptions();

                    assertThat(options.advertise()).contains(new HostPort("node-1", 2));
                    assertThat(options.raftListen().port()).isEqualTo(3);
                    assertThat(options.raftAdvertise()).contains(new HostPort("::1", 4));
                    assertThat(options.statusAddress()).isEqualTo("node-1:5");
                    assertThat(options.labels()).isEqualTo(Map.of("zone", "a"));
                    assertThat(options.placement().endpoints()).containsExactly("pd-1:2379", "pd-2:2379");
                    assertThat(options.placement().connectTimeout()).isEqualTo(Duration.ofSeconds(7));
                    assertThat(options.placement().regionHeartbeatInterval()).isEqualTo(Duration.ofSeconds(3));
                    assertThat(options.placement().expelledAfter()).isEqualTo(Duration.ofSeconds(4));
                    assertThat(options.apiVersion()).isEqualTo(ApiVersion.V1TTL);
                    assertThat(options.cacheBytes()).isEqualTo(64L << 20);
                    assertThat(options.pendingBytesMax()).isEqualTo(8L << 20);
                    assertThat(options.diskReserveBytesMax()).isEqualTo(1L << 30);
                    assertThat(options.electionTimeout()).isEqualTo(Duration.ofMillis(500));
                    assertThat(options.forceReadIndex()).isTrue();
                    assertThat(options.syncLog()).isFalse();
                    assertThat(options.gc())
                            .isEqualTo(new GcOptions(Duration.ofSeconds(11), Duration.ofMinutes(12), 0.5));
                    assertThat(options.logBytesMax()).isEqualTo(512L << 20);
                    assertThat(options.imageBytesPerSecondMax()).isZero();
                    assertThat(options.split())
                            .isEqualTo(new SplitOptions(
                                    1 << 20,
                                    2_000,
                                    true,
                                    Duration.ofSeconds(13),
                                    14,
                                    15 << 10,
                                    Duration.ofSeconds(16)));
                    assertThat(options.consistency()).isEqualTo(new ConsistencyOptions(Duration.ofHours(24), 8L << 20));
                    assertThat(options.staleReads()).isEqualTo(new StaleReadOptions(Duration.ZERO, 1L << 20));
                    assertThat(options.cdc())
                            .isEqualTo(new CdcOptions(Duration.ofSeconds(1), 2L << 20, Duration.ofSeconds(5)));
                    assertThat(options.rpc().threads()).isEqualTo(3);
                    assertThat(options.rpc().timeoutMax()).isEqualTo(Duration.ofSeconds(6));
                    assertThat(options.rpc().connectionsMax()).isEqualTo(8);
                    assertThat(options.rpc().connectionsPerAddressMax()).isEqualTo(9);
                    assertThat(options.rpc().handshakeTimeout()).isEqualTo(Duration.ofSeconds(10));
                    assertThat(options.rpc().slowThreshold()).isEqualTo(Duration.ofSeconds(2));
                });
    }

    @Test
    void whatMakesNoSenseIsRefused() {
        for (String bad : new String[] {
            "rutile.node.election-timeout=1ms",
            "rutile.node.address=",
            "rutile.node.rpc.connections-max=0",
            "rutile.node.gc-share=0",
            "rutile.node.gc-share=1.5",
            "rutile.node.gc-poll-interval=0s",
            "rutile.node.gc-region-interval=-1s",
            "rutile.node.split.qps=-1",
            "rutile.node.split.load-window=0s",
            "rutile.node.log-size=1MB",
            "rutile.node.image-rate=-1",
            "rutile.node.split.bytes-rate=-1",
            "rutile.node.consistency.interval=-1s",
            "rutile.node.stale-read.interval=-1s",
            "rutile.node.stale-read.lock-memory=0",
            "rutile.node.cdc.interval=1ms",
            "rutile.node.cdc.memory=0",
            "rutile.node.cdc.patience=0s",
            "rutile.node.api-version=V9"
        }) {
            runner.withPropertyValues("rutile.node.data-dir=/data", bad)
                    .run(context -> assertThat(context).as(bad).hasFailed());
        }
        for (String bad : new String[] {"nowhere", "host:", ":1", "host:99999", "host:x"}) {
            assertThatThrownBy(() -> HostPort.parse(bad)).as(bad).isInstanceOf(IllegalArgumentException.class);
        }
    }
}
