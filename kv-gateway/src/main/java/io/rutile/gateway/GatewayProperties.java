package io.rutile.gateway;

import io.rutile.client.RutileClientOptions;
import io.rutile.gateway.access.Authenticator;
import io.rutile.gateway.access.JwtSettings;
import io.rutile.gateway.grpc.GrpcOptions;
import io.rutile.gateway.kv.CallerQuota;
import io.rutile.gateway.kv.CallerQuota.Bound;
import io.rutile.gateway.kv.TxnSessions;
import io.rutile.gateway.kv.Watches;
import io.rutile.gateway.rest.RestSettings;
import jakarta.validation.Valid;
import jakarta.validation.constraints.AssertTrue;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotEmpty;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Pattern;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.hibernate.validator.constraints.time.DurationMax;
import org.hibernate.validator.constraints.time.DurationMin;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;
import org.springframework.validation.annotation.Validated;

/**
 * What an operator can set. Ports and addresses of HTTP are Spring Boot's: {@code server.port}, {@code server.address}, {@code
 * management.server.port}, {@code management.server.address}. Read once, at the start, but for the access file and an issuer's keys, which
 * are read again. docs/configuration.md is made of these comments, and {@code ConfigurationDocTest} tries the ends of every {@code Range:}, which
 * are part of it.
 *
 * @param pdEndpoints {@code host:port} of any members of the Placement Driver
 * @param apiVersion what the cluster's keys look like: {@code V2} for a cluster of API V2, {@code V1} for any other
 * @param keyspace name of the keyspace of a cluster of API V2 that the gateway is about. Default: {@code DEFAULT}, where there are keyspaces
 * @param requestTimeout deadline of a call that names none by the header {@code Rutile-Timeout}. Range: 1ms to {@code request-timeout-max}
 * @param requestTimeoutMax longest deadline that a call may ask for; also when the cluster client gives up on a call. Range: {@code
 *     request-timeout} to 1h
 * @param connectTimeout how long one attempt to find the cluster may take; attempts go on until one succeeds. Range: from 10ms
 * @param channelsPerStore HTTP/2 connections to each store. Range: 1 to 16
 * @param requestsMax requests in flight; one more is answered {@code ServerIsBusy}. Range: from 1
 * @param inFlightBytesMax bytes of keys and values held for requests in flight; past them requests are answered {@code
 *     ServerIsBusy}. Range: from 1B. Default: a quarter of the heap, at least 64 MiB
 * @param busyConnectionsMax connections in the middle of a request; one more is closed. Range: from 1. Default: as many as fit into a
 *     quarter of the heap at 48 KiB each
 * @param bodyTimeout how long the body of a request may take to arrive. Range: from 1s
 * @param txn transactions that stay open between requests
 * @param watch who may watch for changes
 * @param perCaller how much of the gateway one caller may have
 * @param idempotency writes that have a name
 * @param http2 the REST API over HTTP/2
 * @param grpc the gRPC port
 * @param security who may call
 */
@Validated
@ConfigurationProperties("rutile.gateway")
public record GatewayProperties(
        @DefaultValue("127.0.0.1:2379") @NotEmpty List<@Pattern(regexp = "\\S+:\\d{1,5}", message = "must be host:port") String> pdEndpoints,

        @DefaultValue("V1") @NotNull ApiVersion apiVersion,

        @Nullable @Pattern(regexp = "[-A-Za-z0-9_]{1,64}", message = "must be 1 to 64 letters, digits, '-' or '_'") String keyspace,

        @DefaultValue("10s") @NotNull @DurationMin(millis = 1)
        Duration requestTimeout,

        @DefaultValue("60s") @NotNull @DurationMin(millis = 1) @DurationMax(hours = 1)
        Duration requestTimeoutMax,

        @DefaultValue("5s") @NotNull @DurationMin(millis = 10)
        Duration connectTimeout,

        @DefaultValue("2") @Min(1) @Max(16) int channelsPerStore,
        @DefaultValue("1024") @Min(1) int requestsMax,
        @Nullable DataSize inFlightBytesMax,
        @Nullable @Min(1) Integer busyConnectionsMax,

        @DefaultValue("60s") @NotNull @DurationMin(seconds = 1)
        Duration bodyTimeout,

        @DefaultValue @NotNull @Valid Txn txn,
        @DefaultValue @NotNull @Valid Watch watch,
        @DefaultValue @NotNull @Valid PerCaller perCaller,
        @DefaultValue @NotNull @Valid Idempotency idempotency,
        @DefaultValue @NotNull @Valid Http2 http2,
        @DefaultValue @NotNull @Valid Grpc grpc,
        @DefaultValue @NotNull @Valid Security security) {

    /** Room for two of the largest bodies, decoded, whatever the heap. */
    private static final DataSize IN_FLIGHT_BYTES_MIN = DataSize.ofMegabytes(64);

    private static final int BUSY_CONNECTIONS_MIN = 256;

    /** The keyspace that every cluster of API V2 has. */
    private static final String DEFAULT_KEYSPACE = "DEFAULT";

    /** What the cluster's keys look like. */
    public enum ApiVersion {
        /** As applications write them; also for a cluster of V1TTL, whose values expire. */
        V1,
        /** In keyspaces. */
        V2
    }

    /**
     * What may stay open between requests.
     *
     * @param openMax transactions open at the same time; one more is answered {@code ServerIsBusy}. Range: from 1
     * @param idleTimeout how long a transaction may wait for its next request before it is rolled back. Range: from 1ms
     * @param lifetimeMax how long a transaction may be open; below the time for which the cluster keeps old versions. Range: 1ms to 1h
     * @param bytesMax bytes of keys and values that all of them may have written, one of them a quarter of it. Range: from 1B. Default: an
     *     eighth of the heap, at least 40 MiB
     */
    public record Txn(
            @DefaultValue("1000") @Min(1) int openMax,

            @DefaultValue("30s") @NotNull @DurationMin(millis = 1)
            Duration idleTimeout,

            @DefaultValue("5m") @NotNull @DurationMin(millis = 1) @DurationMax(hours = 1)
            Duration lifetimeMax,

            @Nullable DataSize bytesMax) {

        /** Room for one of the largest values, whatever the heap. */
        private static final long BYTES_MIN = 40L << 20;

        @AssertTrue(message = "rutile.gateway.txn.bytes-max must be positive") boolean isBytesMaxPositive() {
            return bytesMax == null || bytesMax.toBytes() > 0;
        }

        /** @param heapBytes of this process */
        TxnSessions.Limits limits(long heapBytes) {
            return new TxnSessions.Limits(
                    openMax,
                    idleTimeout,
                    lifetimeMax,
                    bytesMax != null ? bytesMax.toBytes() : Math.max(BYTES_MIN, heapBytes / 8));
        }
    }

    /**
     * Who may watch for changes.
     *
     * @param watchersMax watchers at the same time; one more is answered 429. Range: from 1
     * @param feedsMax feeds of the cluster: one a range that is watched, and one more for those who come back with an older position. Range: from
     *     1
     * @param feedBytesMax bytes of changes that a feed keeps for watchers who read slowly, and as much again for what is not in order
     *     yet. Range: from 1B
     * @param heartbeat pause after which a watcher is told that nothing has come, and where it would go on. Range: from 100ms
     */
    public record Watch(
            @DefaultValue("5000") @Min(1) int watchersMax,
            @DefaultValue("32") @Min(1) int feedsMax,
            @DefaultValue("4MB") @NotNull DataSize feedBytesMax,

            @DefaultValue("10s") @NotNull @DurationMin(millis = 100)
            Duration heartbeat) {

        @AssertTrue(message = "rutile.gateway.watch.feed-bytes-max must be positive") boolean isFeedBytesMaxPositive() {
            return feedBytesMax.toBytes() > 0;
        }

        Watches.Limits limits() {
            return new Watches.Limits(watchersMax, feedsMax, feedBytesMax.toBytes(), heartbeat);
        }
    }

    /**
     * How much of the gateway one caller may have; one more is answered 429. Doesn't count where nobody is asked who they are. A role of the
     * access file may say otherwise.
     *
     * @param requestsMax requests under way. Range: from 1. Default: half of {@code requests-max}
     * @param bytesMax bytes of keys and values that these hold. Range: from 1B. Default: half of {@code in-flight-bytes-max}
     * @param requestsPerSecond requests in a second, a second's worth at once. Range: from 1. Default: no bound
     * @param transactionsMax open transactions. Range: from 1. Default: half of {@code txn.open-max}
     * @param transactionBytesMax bytes that these have written. Range: from 1B. Default: half of {@code txn.bytes-max}
     * @param watchersMax watchers. Range: from 1
     */
    public record PerCaller(
            @Nullable @Min(1) Integer requestsMax,
            @Nullable DataSize bytesMax,
            @Nullable @Min(1) Integer requestsPerSecond,
            @Nullable @Min(1) Integer transactionsMax,
            @Nullable DataSize transactionBytesMax,
            @DefaultValue("1000") @Min(1) int watchersMax) {

        @AssertTrue(message = "rutile.gateway.per-caller.bytes-max must be positive") boolean isBytesMaxPositive() {
            return bytesMax == null || bytesMax.toBytes() > 0;
        }

        @AssertTrue(message = "rutile.gateway.per-caller.transaction-bytes-max must be positive") boolean isTransactionBytesMaxPositive() {
            return transactionBytesMax == null || transactionBytesMax.toBytes() > 0;
        }
    }

    /**
     * How much one caller may have whose roles say nothing else.
     *
     * @param heapBytes of this process
     */
    CallerQuota callerQuota(long heapBytes) {
        Map<Bound, Long> max = new EnumMap<>(Bound.class);
        max.put(Bound.REQUESTS, orHalf(perCaller.requestsMax(), requestsMax));
        max.put(
                Bound.BYTES,
                orHalf(perCaller.bytesMax(), inFlightBytesMax(heapBytes).toBytes()));
        if (perCaller.requestsPerSecond() != null) {
            max.put(Bound.REQUESTS_PER_SECOND, perCaller.requestsPerSecond().longValue());
        }
        max.put(Bound.TRANSACTIONS, orHalf(perCaller.transactionsMax(), txn.openMax()));
        max.put(
                Bound.TRANSACTION_BYTES,
                orHalf(perCaller.transactionBytesMax(), txn.limits(heapBytes).bytesMax()));
        max.put(Bound.WATCHERS, (long) perCaller.watchersMax());
        return new CallerQuota(max);
    }

    private static long orHalf(@Nullable Integer own, int all) {
        return own != null ? own : Math.max(1, all / 2);
    }

    private static long orHalf(@Nullable DataSize own, long all) {
        return own != null ? own.toBytes() : Math.max(1, all / 2);
    }

    /**
     * Writes with an {@code Idempotency-Key}.
     *
     * @param life how long an outcome is remembered; the same at every gateway of a cluster. Range: 1m to 30d
     */
    public record Idempotency(
            @DefaultValue("24h") @NotNull @DurationMin(minutes = 1) @DurationMax(days = 30)
            Duration life) {}

    /**
     * The REST API over HTTP/2: by ALPN where there is TLS, else for clients that begin with it.
     *
     * @param enabled whether it is spoken
     * @param connectionsMax connections that speak it; one more is closed. Range: from 1. Default: as many as fit into a quarter of the heap at
     *     3 MiB each, at least 32
     */
    public record Http2(
            @DefaultValue("true") boolean enabled,
            @Nullable @Min(1) Integer connectionsMax) {

        private static final int CONNECTIONS_MIN = 32;

        /**
         * How many may speak it; 0 if nobody may.
         *
         * @param heapBytes of this process
         */
        int connectionsMax(long heapBytes) {
            if (!enabled) {
                return 0;
            }
            return connectionsMax != null
                    ? connectionsMax
                    : (int) Math.max(
                            CONNECTIONS_MIN,
                            Math.min(Integer.MAX_VALUE, heapBytes / 4 / RestSettings.HTTP2_CONNECTION_BYTES));
        }
    }

    /**
     * The gRPC port. What its calls hold is bounded together with REST's.
     *
     * @param address where it listens, a name or an address
     * @param port where it listens; 0 for a free one. Range: 0 to 65535
     * @param connectionsMax open connections; for one more, one that has not spoken yet is closed, or the new one. Range: from 1
     * @param streamsPerConnectionMax calls at the same time on one connection; a client waits with one more. Range: from 1
     * @param clientTimeout how long a call waits for its client: for the request to arrive, or for the client to read on. Range: from 100ms
     * @param handshakeTimeout after which a connection that has not spoken HTTP/2 is closed. Range: from 100ms
     */
    public record Grpc(
            @DefaultValue("127.0.0.1") @NotNull InetAddress address,
            @DefaultValue("8082") @Min(0) @Max(65_535) int port,
            @DefaultValue("1024") @Min(1) int connectionsMax,
            @DefaultValue("256") @Min(1) int streamsPerConnectionMax,

            @DefaultValue("60s") @NotNull @DurationMin(millis = 100)
            Duration clientTimeout,

            @DefaultValue("10s") @NotNull @DurationMin(millis = 100)
            Duration handshakeTimeout) {}

    /**
     * Who may call. Without an access file and without JWTs nobody is asked, and the gateway serves this machine only.
     *
     * @param accessFile path of the file of roles and API tokens. Default: none. Reload: its contents, by themselves
     * @param insecure serve others, too, although nobody is asked
     * @param openEndpoints ids of endpoints of the management port that are for everybody; {@code health} also stands for the health service
     *     of the gRPC port
     * @param reloadInterval pause between two looks whether the access file has changed. Range: from 10ms
     * @param jwt which signed tokens are believed
     */
    public record Security(
            @Nullable Path accessFile,
            @DefaultValue("false") boolean insecure,

            @DefaultValue({"health", "prometheus"}) @NotNull Set<@Pattern(regexp = "[a-zA-Z][-a-zA-Z0-9]*", message = "must be the id of an endpoint") String>
                    openEndpoints,

            @DefaultValue("2s") @NotNull @DurationMin(millis = 10)
            Duration reloadInterval,

            @DefaultValue @NotNull @Valid Jwt jwt) {

        @AssertTrue(
                message =
                        "rutile.gateway.security.insecure means that nobody is asked: remove it, or access-file and jwt")
        boolean isEitherSecureOrNot() {
            return !insecure || (accessFile == null && !jwt.isConfigured());
        }

        /** @param keyspace of the gateway's keys; null if its cluster has none */
        Authenticator.Settings settings(@Nullable String keyspace, CallerQuota quota) {
            return new Authenticator.Settings(
                    accessFile, jwt.isConfigured() ? jwt.settings() : null, keyspace, quota, reloadInterval);
        }
    }

    /**
     * Signed tokens: believed if an issuer, a JWK set or a public key is given.
     *
     * @param issuer URL that {@code iss} has to be; its keys are found by OpenID Connect Discovery unless the next two say where they
     *     are. Default: none
     * @param jwkSet URL or file of a JWK set. Default: none. Reload: its contents, every {@code refresh-interval}
     * @param publicKey file of one RSA or EC public key, PEM. Default: none. Reload: its contents, every {@code refresh-interval}
     * @param audience names of which {@code aud} has to have one; needed with any of the three. Default: none
     * @param clockSkew by how much the issuer's clock may differ. Range: 0s to 10m
     * @param rolesClaim claim that names roles; dots lead into objects, as in {@code realm_access.roles}
     * @param refreshInterval pause between two readings of the issuer's keys. Range: from 100ms
     */
    public record Jwt(
            @Nullable @Pattern(regexp = "https?://.+", message = "must be a URL") String issuer,

            @Nullable String jwkSet,
            @Nullable String publicKey,
            @DefaultValue Set<String> audience,

            @DefaultValue("60s") @NotNull @DurationMin(millis = 0) @DurationMax(minutes = 10)
            Duration clockSkew,

            @DefaultValue("roles") @NotEmpty String rolesClaim,

            @DefaultValue("5m") @NotNull @DurationMin(millis = 100)
            Duration refreshInterval) {

        boolean isConfigured() {
            return issuer != null || jwkSet != null || publicKey != null;
        }

        @AssertTrue(
                message =
                        "rutile.gateway.security.jwt needs an audience, and that an issuer, a jwk-set or a public-key")
        boolean isAudienceThereIfConfigured() {
            return isConfigured() != audience.isEmpty();
        }

        @AssertTrue(message = "rutile.gateway.security.jwt has either a jwk-set or a public-key") boolean isOneSourceOfKeys() {
            return jwkSet == null || publicKey == null;
        }

        JwtSettings settings() {
            return new JwtSettings(issuer, jwkSet, publicKey, audience, clockSkew, rolesClaim, refreshInterval);
        }
    }

    GrpcOptions grpcOptions() {
        return new GrpcOptions(
                new InetSocketAddress(grpc.address(), grpc.port()),
                GrpcOptions.threadsFor(Runtime.getRuntime().availableProcessors()),
                requestTimeout,
                requestTimeoutMax,
                grpc.clientTimeout(),
                grpc.handshakeTimeout(),
                grpc.connectionsMax(),
                grpc.streamsPerConnectionMax(),
                security.openEndpoints().contains("health"));
    }

    /**
     * Who may call the gateway of these properties.
     *
     * @param heapBytes of this process
     */
    Authenticator.Settings accessSettings(long heapBytes) {
        return security.settings(keyspaceName(), callerQuota(heapBytes));
    }

    private @Nullable String keyspaceName() {
        return apiVersion == ApiVersion.V1 ? null : keyspace == null ? DEFAULT_KEYSPACE : keyspace;
    }

    @AssertTrue(message = "rutile.gateway.keyspace needs rutile.gateway.api-version=V2") boolean isKeyspaceOfV2() {
        return keyspace == null || apiVersion == ApiVersion.V2;
    }

    /** How the gateway's client is opened. */
    RutileClientOptions clientOptions() {
        RutileClientOptions options =
                new RutileClientOptions(pdEndpoints, requestTimeoutMax, connectTimeout, channelsPerStore);
        String name = keyspaceName();
        return name == null ? options : options.withKeyspace(name);
    }

    @AssertTrue(message = "rutile.gateway.request-timeout is longer than rutile.gateway.request-timeout-max") boolean isRequestTimeoutWithinMax() {
        return requestTimeout.compareTo(requestTimeoutMax) <= 0;
    }

    @AssertTrue(message = "rutile.gateway.in-flight-bytes-max must be positive") boolean isInFlightBytesMaxPositive() {
        return inFlightBytesMax == null || inFlightBytesMax.toBytes() > 0;
    }

    /** @param heapBytes of this process */
    int busyConnectionsMax(long heapBytes) {
        return busyConnectionsMax != null
                ? busyConnectionsMax
                : (int) Math.max(
                        BUSY_CONNECTIONS_MIN,
                        Math.min(Integer.MAX_VALUE, heapBytes / 4 / RestSettings.BUSY_CONNECTION_BYTES));
    }

    /** @param heapBytes of this process */
    DataSize inFlightBytesMax(long heapBytes) {
        if (inFlightBytesMax != null) {
            return inFlightBytesMax;
        }
        DataSize quarter = DataSize.ofBytes(heapBytes / 4);
        return quarter.compareTo(IN_FLIGHT_BYTES_MIN) < 0 ? IN_FLIGHT_BYTES_MIN : quarter;
    }
}
