package io.rutile.gateway;

import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.client.region.KeySpace;
import io.rutile.gateway.access.AuditLog;
import io.rutile.gateway.access.Authenticator;
import io.rutile.gateway.access.FrontDoor;
import io.rutile.gateway.console.ClusterView;
import io.rutile.gateway.console.ConsolePages;
import io.rutile.gateway.console.PdHttp;
import io.rutile.gateway.grpc.GrpcServer;
import io.rutile.gateway.kv.AtomicCalls;
import io.rutile.gateway.kv.ChangeSource;
import io.rutile.gateway.kv.ClusterChangeSource;
import io.rutile.gateway.kv.ClusterConnection;
import io.rutile.gateway.kv.ClusterKvOperations;
import io.rutile.gateway.kv.ClusterTxnOperations;
import io.rutile.gateway.kv.GatewayLimits;
import io.rutile.gateway.kv.IdempotencyRecords;
import io.rutile.gateway.kv.IdempotencySweep;
import io.rutile.gateway.kv.KvOperations;
import io.rutile.gateway.kv.TxnOperations;
import io.rutile.gateway.kv.TxnSessions;
import io.rutile.gateway.kv.Watches;
import io.rutile.gateway.rest.ManagementPaths;
import io.rutile.gateway.rest.RestConfiguration;
import io.rutile.gateway.rest.RestSettings;
import io.rutile.tls.spring.ServiceTls;
import io.rutile.tls.spring.TlsConfiguration;
import io.rutile.tls.spring.TlsConnector;
import io.rutile.trace.Tracing;
import io.rutile.trace.spring.TracingConfiguration;
import java.net.InetAddress;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.actuate.autoconfigure.endpoint.web.WebEndpointProperties;
import org.springframework.boot.actuate.autoconfigure.web.server.ManagementPortType;
import org.springframework.boot.actuate.autoconfigure.web.server.ManagementServerProperties;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.info.BuildProperties;
import org.springframework.boot.tomcat.autoconfigure.TomcatServerProperties;
import org.springframework.boot.web.server.autoconfigure.ServerProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.core.env.Environment;

/** What the gateway is made of, from the connection up to the edges. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(GatewayProperties.class)
@Import({RestConfiguration.class, TlsConfiguration.class, TracingConfiguration.class})
class GatewayConfiguration {

    private static final Logger log = LoggerFactory.getLogger(GatewayConfiguration.class);

    /** PD itself waits two seconds for its members when it is asked for their health. */
    private static final Duration PD_ANSWER_MAX = Duration.ofSeconds(4);

    /** As Tomcat has it by itself. */
    private static final Duration CLIENT_SILENCE_MAX = Duration.ofSeconds(20);

    @Bean(initMethod = "start", destroyMethod = "close")
    ClusterConnection clusterConnection(
            GatewayProperties properties, ServiceTls tls, Tracing tracing, MeterRegistry metrics) {
        return new ClusterConnection(
                properties
                        .clientOptions()
                        .withCredentials(tls.transport().channels())
                        .withTracing(tracing),
                metrics);
    }

    @Bean
    TlsConnector restConnector(ServiceTls tls) {
        return tls.http();
    }

    @Bean
    KvOperations kvOperations(ClusterConnection connection) {
        return new ClusterKvOperations(connection);
    }

    @Bean
    TxnOperations txnOperations(ClusterConnection connection) {
        return new ClusterTxnOperations(connection);
    }

    @Bean
    IdempotencyRecords idempotencyRecords(
            TxnOperations operations, GatewayProperties properties, MeterRegistry metrics) {
        return new IdempotencyRecords(operations, properties.idempotency().life(), metrics);
    }

    @Bean(initMethod = "start", destroyMethod = "close")
    IdempotencySweep idempotencySweep(TxnOperations operations, GatewayProperties properties, MeterRegistry metrics) {
        return new IdempotencySweep(operations, properties.idempotency().life(), metrics);
    }

    @Bean(initMethod = "start", destroyMethod = "close")
    TxnSessions txnSessions(
            TxnOperations operations, IdempotencyRecords records, GatewayProperties properties, MeterRegistry metrics) {
        return new TxnSessions(
                operations,
                records,
                properties.txn().limits(Runtime.getRuntime().maxMemory()),
                metrics);
    }

    @Bean
    AtomicCalls atomicCalls(TxnOperations operations, IdempotencyRecords records) {
        return new AtomicCalls(operations, records);
    }

    @Bean
    GatewayLimits gatewayLimits(GatewayProperties properties, MeterRegistry metrics) {
        return new GatewayLimits(
                properties.requestsMax(),
                properties.inFlightBytesMax(Runtime.getRuntime().maxMemory()).toBytes(),
                metrics);
    }

    @Bean
    AuditLog auditLog(MeterRegistry metrics) {
        return new AuditLog(metrics);
    }

    /** @throws OpenToStrangersException if nobody would be asked, and others than this machine could call */
    @Bean(initMethod = "start", destroyMethod = "close")
    Authenticator authenticator(
            GatewayProperties properties,
            ServerProperties server,
            ManagementServerProperties management,
            AuditLog audit,
            MeterRegistry metrics) {
        Authenticator.Settings settings =
                properties.accessSettings(Runtime.getRuntime().maxMemory());
        if (!settings.asks() && !properties.security().insecure()) {
            requireLoopback("server.address", server.getAddress());
            requireLoopback("rutile.gateway.grpc.address", properties.grpc().address());
            if (management.getPort() != null && management.getPort() >= 0) {
                requireLoopback("management.server.address", management.getAddress());
            }
        }
        if (properties.security().insecure()) {
            log.warn("nobody is asked who they are: whoever reaches this gateway may do everything insecure=true");
        }
        return new Authenticator(settings, audit, metrics);
    }

    private static void requireLoopback(String property, @Nullable InetAddress address) {
        if (address == null || !address.isLoopbackAddress()) {
            throw new OpenToStrangersException(property, address);
        }
    }

    @Bean
    ChangeSource changeSource(ClusterConnection connection) {
        return new ClusterChangeSource(connection);
    }

    @Bean(initMethod = "start", destroyMethod = "close")
    Watches watches(ChangeSource changes, GatewayProperties properties, MeterRegistry metrics) {
        return new Watches(changes, properties.watch().limits(), metrics);
    }

    @Bean
    WatchLifecycle watchLifecycle(Watches watches) {
        return new WatchLifecycle(watches);
    }

    @Bean
    FrontDoor frontDoor(
            KvOperations kv,
            TxnOperations transactions,
            TxnSessions sessions,
            AtomicCalls atomicCalls,
            Watches watches) {
        return new FrontDoor(kv, transactions, sessions, atomicCalls, watches);
    }

    /** What PD tells of the cluster, for the console and the management port. */
    @Bean(destroyMethod = "close")
    ClusterView clusterView(
            GatewayProperties properties, ClusterConnection connection, ServiceTls tls, MeterRegistry metrics) {
        String keyspace = properties.clientOptions().keyspace();
        return new ClusterView(
                new PdHttp.Options(properties.pdEndpoints(), PD_ANSWER_MAX, tls.transport()),
                mode -> keyspace == null
                        ? CompletableFuture.completedFuture(
                                mode == KeySpace.Mode.RAW ? KeySpace.rawV1() : KeySpace.txnV1())
                        : connection
                                .keyspace(keyspace)
                                .thenApply(found -> mode == KeySpace.Mode.RAW ? found.raw() : found.txn()),
                metrics);
    }

    @Bean
    ConsolePages consolePages() {
        return new ConsolePages();
    }

    @Bean
    RutileEndpoint rutileEndpoint(ClusterView cluster) {
        return new RutileEndpoint(cluster);
    }

    /** Those of the API's port: none, unless the management has no port of its own. */
    @Bean
    ManagementPaths managementPaths(
            Environment environment, GatewayProperties properties, WebEndpointProperties endpoints) {
        return ManagementPortType.get(environment) == ManagementPortType.SAME
                ? ManagementSecurity.paths(properties, endpoints)
                : new ManagementPaths(null, Set.of());
    }

    @Bean(destroyMethod = "")
    GrpcServer grpcServer(
            GatewayProperties properties,
            ServiceTls tls,
            FrontDoor door,
            Authenticator authenticator,
            GatewayLimits limits,
            ClusterConnection connection,
            Tracing tracing,
            MeterRegistry metrics) {
        return new GrpcServer(
                properties.grpcOptions(),
                tls.transport().clientPort(),
                door,
                authenticator,
                limits,
                connection::isConnected,
                tracing,
                metrics);
    }

    @Bean
    GrpcServerLifecycle grpcServerLifecycle(GrpcServer server, GatewayProperties properties) {
        return new GrpcServerLifecycle(server, properties.grpc().port());
    }

    @Bean
    RestSettings restSettings(
            GatewayProperties properties,
            ManagementServerProperties management,
            TomcatServerProperties tomcat,
            Authenticator authenticator,
            ObjectProvider<BuildProperties> build) {
        Map<String, String> links = new TreeMap<>();
        links.put("cluster", "/v1/cluster");
        links.put("console", ConsolePages.BASE);
        links.put("openapi", "/v3/api-docs");
        links.put("raw", "/v1/raw");
        links.put("txn", "/v1/txn");
        if (management.getPort() != null) {
            links.put("readiness", "port " + management.getPort() + ": /actuator/health/readiness");
        }
        return new RestSettings(
                properties.requestTimeout(),
                properties.requestTimeoutMax(),
                properties.bodyTimeout(),
                properties.busyConnectionsMax(Runtime.getRuntime().maxMemory()),
                properties.http2().connectionsMax(Runtime.getRuntime().maxMemory()),
                Objects.requireNonNullElse(tomcat.getConnectionTimeout(), CLIENT_SILENCE_MAX),
                tomcat.getThreads().getMax(),
                authenticator.asks(),
                build.stream().findAny().map(BuildProperties::getVersion).orElse("unknown"),
                links);
    }

    /** Part of readiness: the gateway may be sent requests once it knows the cluster. */
    @Bean
    HealthIndicator clusterHealthIndicator(ClusterConnection connection) {
        return () -> connection.isConnected()
                ? Health.up().build()
                : Health.outOfService()
                        .withDetail("reason", connection.whyNotConnected())
                        .build();
    }
}
