package io.rutile.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.gateway.grpc.GrpcOptions;
import io.rutile.gateway.kv.CallerQuota;
import io.rutile.gateway.kv.CallerQuota.Bound;
import io.rutile.gateway.kv.TxnSessions;
import io.rutile.gateway.kv.Watches;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.validation.autoconfigure.ValidationAutoConfiguration;
import org.springframework.context.annotation.Configuration;
import org.springframework.util.unit.DataSize;

class GatewayPropertiesTest {

    private final ApplicationContextRunner runner = new ApplicationContextRunner()
            .withConfiguration(AutoConfigurations.of(ValidationAutoConfiguration.class))
            .withUserConfiguration(Enabled.class);

    @Configuration(proxyBeanMethods = false)
    @EnableConfigurationProperties(GatewayProperties.class)
    static class Enabled {}

    @Test
    void defaultsFitALocalCluster() {
        runner.run(context -> {
            GatewayProperties properties = context.getBean(GatewayProperties.class);

            assertThat(properties.pdEndpoints()).containsExactly("127.0.0.1:2379");
            assertThat(properties.clientOptions().keyspace()).isNull();
            assertThat(properties.requestTimeout()).isEqualTo(Duration.ofSeconds(10));
            assertThat(properties.requestTimeoutMax()).isEqualTo(Duration.ofSeconds(60));
            assertThat(properties.connectTimeout()).isEqualTo(Duration.ofSeconds(5));
            assertThat(properties.channelsPerStore()).isEqualTo(2);
            assertThat(properties.requestsMax()).isEqualTo(1024);
            assertThat(properties.bodyTimeout()).isEqualTo(Duration.ofSeconds(60));
            assertThat(properties.inFlightBytesMax(1L << 30)).isEqualTo(DataSize.ofMegabytes(256));
            assertThat(properties.inFlightBytesMax(1L << 20)).isEqualTo(DataSize.ofMegabytes(64));
            assertThat(properties.busyConnectionsMax(256L << 20)).isEqualTo(1365);
            assertThat(properties.busyConnectionsMax(1L << 20)).isEqualTo(256);
            assertThat(properties.http2().connectionsMax(2L << 30)).isEqualTo(170);
            assertThat(properties.http2().connectionsMax(1L << 20)).isEqualTo(32);
            assertThat(properties.txn().limits(1L << 30))
                    .isEqualTo(new TxnSessions.Limits(1000, Duration.ofSeconds(30), Duration.ofMinutes(5), 128L << 20));
            assertThat(properties.txn().limits(1L << 20).bytesMax()).isEqualTo(40L << 20);
            assertThat(properties.watch().limits())
                    .isEqualTo(new Watches.Limits(5_000, 32, 4L << 20, Duration.ofSeconds(10)));
            assertThat(properties.callerQuota(1L << 30))
                    .as("half of what all may have, as fast as it goes")
                    .isEqualTo(new CallerQuota(Map.of(
                            Bound.REQUESTS, 512L,
                            Bound.BYTES, 128L << 20,
                            Bound.TRANSACTIONS, 500L,
                            Bound.TRANSACTION_BYTES, 64L << 20,
                            Bound.WATCHERS, 1_000L)));
            assertThat(properties.grpcOptions())
                    .isEqualTo(new GrpcOptions(
                            new InetSocketAddress("127.0.0.1", 8082),
                            GrpcOptions.threadsFor(Runtime.getRuntime().availableProcessors()),
                            Duration.ofSeconds(10),
                            Duration.ofSeconds(60),
                            Duration.ofSeconds(60),
                            Duration.ofSeconds(10),
                            1024,
                            256,
                            true));
            assertThat(properties.idempotency().life()).isEqualTo(Duration.ofHours(24));
            assertThat(properties.accessSettings(1L << 30).asks()).isFalse();
            assertThat(properties.security().insecure()).isFalse();
            assertThat(properties.security().jwt().clockSkew()).isEqualTo(Duration.ofSeconds(60));
            assertThat(properties.security().jwt().rolesClaim()).isEqualTo("roles");
        });
    }

    @Test
    void everythingCanBeSet() {
        runner.withPropertyValues(
                        "rutile.gateway.pd-endpoints=pd-1:2379,pd-2:2379",
                        "rutile.gateway.api-version=V2",
                        "rutile.gateway.keyspace=orders",
                        "rutile.gateway.request-timeout=1s",
                        "rutile.gateway.request-timeout-max=2s",
                        "rutile.gateway.connect-timeout=3s",
                        "rutile.gateway.channels-per-store=4",
                        "rutile.gateway.requests-max=5",
                        "rutile.gateway.in-flight-bytes-max=6MB",
                        "rutile.gateway.busy-connections-max=8",
                        "rutile.gateway.body-timeout=7s",
                        "rutile.gateway.txn.open-max=9",
                        "rutile.gateway.txn.idle-timeout=10s",
                        "rutile.gateway.txn.lifetime-max=11s",
                        "rutile.gateway.txn.bytes-max=12MB",
                        "rutile.gateway.watch.watchers-max=21",
                        "rutile.gateway.watch.feeds-max=23",
                        "rutile.gateway.watch.feed-bytes-max=24MB",
                        "rutile.gateway.watch.heartbeat=25s",
                        "rutile.gateway.per-caller.requests-max=30",
                        "rutile.gateway.per-caller.bytes-max=31B",
                        "rutile.gateway.per-caller.requests-per-second=32",
                        "rutile.gateway.per-caller.transactions-max=33",
                        "rutile.gateway.per-caller.transaction-bytes-max=34B",
                        "rutile.gateway.per-caller.watchers-max=35",
                        "rutile.gateway.idempotency.life=21m",
                        "rutile.gateway.http2.enabled=false",
                        "rutile.gateway.http2.connections-max=26",
                        "rutile.gateway.grpc.address=127.0.0.2",
                        "rutile.gateway.grpc.port=13",
                        "rutile.gateway.grpc.connections-max=14",
                        "rutile.gateway.grpc.streams-per-connection-max=15",
                        "rutile.gateway.grpc.client-timeout=16s",
                        "rutile.gateway.grpc.handshake-timeout=17s",
                        "rutile.gateway.security.access-file=/etc/rutile/access.json",
                        "rutile.gateway.security.open-endpoints=health,info",
                        "rutile.gateway.security.reload-interval=18s",
                        "rutile.gateway.security.jwt.issuer=https://id.example/",
                        "rutile.gateway.security.jwt.jwk-set=https://id.example/keys",
                        "rutile.gateway.security.jwt.audience=rutile,stores",
                        "rutile.gateway.security.jwt.clock-skew=19s",
                        "rutile.gateway.security.jwt.roles-claim=realm_access.roles",
                        "rutile.gateway.security.jwt.refresh-interval=20s")
                .run(context -> assertThat(context.getBean(GatewayProperties.class))
                        .isEqualTo(new GatewayProperties(
                                List.of("pd-1:2379", "pd-2:2379"),
                                GatewayProperties.ApiVersion.V2,
                                "orders",
                                Duration.ofSeconds(1),
                                Duration.ofSeconds(2),
                                Duration.ofSeconds(3),
                                4,
                                5,
                                DataSize.ofMegabytes(6),
                                8,
                                Duration.ofSeconds(7),
                                new GatewayProperties.Txn(
                                        9, Duration.ofSeconds(10), Duration.ofSeconds(11), DataSize.ofMegabytes(12)),
                                new GatewayProperties.Watch(21, 23, DataSize.ofMegabytes(24), Duration.ofSeconds(25)),
                                new GatewayProperties.PerCaller(
                                        30, DataSize.ofBytes(31), 32, 33, DataSize.ofBytes(34), 35),
                                new GatewayProperties.Idempotency(Duration.ofMinutes(21)),
                                new GatewayProperties.Http2(false, 26),
                                new GatewayProperties.Grpc(
                                        new InetSocketAddress("127.0.0.2", 0).getAddress(),
                                        13,
                                        14,
                                        15,
                                        Duration.ofSeconds(16),
                                        Duration.ofSeconds(17)),
                                new GatewayProperties.Security(
                                        Path.of("/etc/rutile/access.json"),
                                        false,
                                        Set.of("health", "info"),
                                        Duration.ofSeconds(18),
                                        new GatewayProperties.Jwt(
                                                "https://id.example/",
                                                "https://id.example/keys",
                                                null,
                                                Set.of("rutile", "stores"),
                                                Duration.ofSeconds(19),
                                                "realm_access.roles",
                                                Duration.ofSeconds(20))))));
        runner.withPropertyValues(
                        "rutile.gateway.per-caller.requests-max=30",
                        "rutile.gateway.per-caller.bytes-max=31B",
                        "rutile.gateway.per-caller.requests-per-second=32",
                        "rutile.gateway.per-caller.transactions-max=33",
                        "rutile.gateway.per-caller.transaction-bytes-max=34B",
                        "rutile.gateway.per-caller.watchers-max=35")
                .run(context -> assertThat(
                                context.getBean(GatewayProperties.class).callerQuota(1L << 30))
                        .isEqualTo(new CallerQuota(Map.of(
                                Bound.REQUESTS, 30L,
                                Bound.BYTES, 31L,
                                Bound.REQUESTS_PER_SECOND, 32L,
                                Bound.TRANSACTIONS, 33L,
                                Bound.TRANSACTION_BYTES, 34L,
                                Bound.WATCHERS, 35L))));
        runner.withPropertyValues("rutile.gateway.security.insecure=true")
                .run(context -> assertThat(context.getBean(GatewayProperties.class)
                                .security()
                                .insecure())
                        .isTrue());
    }

    @Test
    void whatContradictsItselfIsRefused() {
        for (String[] properties : new String[][] {
            {"insecure=true", "access-file=a.json"},
            {"insecure=true", "jwt.public-key=k.pem", "jwt.audience=rutile"},
            {"jwt.jwk-set=k.json", "jwt.public-key=k.pem", "jwt.audience=rutile"},
        }) {
            runner.withPropertyValues(Arrays.stream(properties)
                            .map(property -> "rutile.gateway.security." + property)
                            .toArray(String[]::new))
                    .run(context -> assertThat(context).hasFailed());
        }
    }

    @Test
    void aClusterOfApiV2IsEnteredThroughAKeyspace() {
        runner.withPropertyValues("rutile.gateway.api-version=V2")
                .run(context -> assertThat(context.getBean(GatewayProperties.class)
                                .clientOptions()
                                .keyspace())
                        .isEqualTo("DEFAULT"));
        runner.withPropertyValues("rutile.gateway.api-version=V2", "rutile.gateway.keyspace=orders")
                .run(context -> assertThat(context.getBean(GatewayProperties.class)
                                .clientOptions()
                                .keyspace())
                        .isEqualTo("orders"));
        runner.withPropertyValues("rutile.gateway.api-version=V2", "rutile.gateway.keyspace=no such name")
                .run(context -> assertThat(context).hasFailed());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pd-endpoints=",
                "pd-endpoints=nowhere",
                "api-version=V3",
                "keyspace=orders",
                "request-timeout=0s",
                "request-timeout=2m",
                "request-timeout-max=2h",
                "connect-timeout=0s",
                "channels-per-store=0",
                "channels-per-store=17",
                "requests-max=0",
                "in-flight-bytes-max=0B",
                "busy-connections-max=0",
                "http2.connections-max=0",
                "body-timeout=1ms",
                "txn.open-max=0",
                "txn.idle-timeout=0s",
                "txn.lifetime-max=2h",
                "txn.bytes-max=0B",
                "watch.watchers-max=0",
                "per-caller.requests-max=0",
                "per-caller.bytes-max=0B",
                "per-caller.requests-per-second=0",
                "per-caller.transactions-max=0",
                "per-caller.transaction-bytes-max=-1B",
                "per-caller.watchers-max=0",
                "watch.feeds-max=0",
                "watch.feed-bytes-max=0B",
                "watch.heartbeat=0s",
                "grpc.address=no where",
                "grpc.port=-1",
                "grpc.port=65536",
                "grpc.connections-max=0",
                "grpc.streams-per-connection-max=0",
                "grpc.client-timeout=1ms",
                "grpc.handshake-timeout=0s",
                "security.open-endpoints=a/b",
                "security.reload-interval=0s",
                "security.jwt.issuer=https://id.example",
                "security.jwt.issuer=nowhere",
                "security.jwt.audience=rutile",
                "security.jwt.clock-skew=1h",
                "security.jwt.roles-claim=",
                "security.jwt.refresh-interval=0s",
            })
    void nonsenseIsRefusedAtTheStart(String property) {
        runner.withPropertyValues("rutile.gateway." + property)
                .run(context -> assertThat(context).hasFailed());
    }
}
