package io.rutile.gateway;

import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.gateway.grpc.GrpcServer;
import io.rutile.gateway.kv.AtomicCalls;
import io.rutile.gateway.kv.ClusterConnection;
import io.rutile.gateway.kv.ClusterKvOperations;
import io.rutile.gateway.kv.ClusterTxnOperations;
import io.rutile.gateway.kv.GatewayLimits;
import io.rutile.gateway.kv.KvOperations;
import io.rutile.gateway.kv.TxnOperations;
import io.rutile.gateway.kv.TxnSessions;
import io.rutile.gateway.rest.RestConfiguration;
import io.rutile.gateway.rest.RestSettings;
import java.util.Map;
import java.util.TreeMap;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.actuate.autoconfigure.web.server.ManagementServerProperties;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.info.BuildProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;

/** What the gateway is made of, from the connection up to the edges. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(GatewayProperties.class)
@Import(RestConfiguration.class)
class GatewayConfiguration {

    @Bean(initMethod = "start", destroyMethod = "close")
    ClusterConnection clusterConnection(GatewayProperties properties, MeterRegistry metrics) {
        return new ClusterConnection(properties.clientOptions(), metrics);
    }

    @Bean
    KvOperations kvOperations(ClusterConnection connection) {
        return new ClusterKvOperations(connection);
    }

    @Bean
    TxnOperations txnOperations(ClusterConnection connection) {
        return new ClusterTxnOperations(connection);
    }

    @Bean(initMethod = "start", destroyMethod = "close")
    TxnSessions txnSessions(TxnOperations operations, GatewayProperties properties, MeterRegistry metrics) {
        return new TxnSessions(
                operations, properties.txn().limits(Runtime.getRuntime().maxMemory()), metrics);
    }

    @Bean
    AtomicCalls atomicCalls(TxnOperations operations) {
        return new AtomicCalls(operations);
    }

    @Bean
    GatewayLimits gatewayLimits(GatewayProperties properties, MeterRegistry metrics) {
        return new GatewayLimits(
                properties.requestsMax(),
                properties.inFlightBytesMax(Runtime.getRuntime().maxMemory()).toBytes(),
                metrics);
    }

    @Bean(destroyMethod = "")
    GrpcServer grpcServer(
            GatewayProperties properties,
            KvOperations kv,
            TxnOperations transactions,
            TxnSessions sessions,
            AtomicCalls atomicCalls,
            GatewayLimits limits,
            ClusterConnection connection,
            MeterRegistry metrics) {
        return new GrpcServer(
                properties.grpcOptions(),
                kv,
                transactions,
                sessions,
                atomicCalls,
                limits,
                connection::isConnected,
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
            ObjectProvider<BuildProperties> build) {
        Map<String, String> links = new TreeMap<>();
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
