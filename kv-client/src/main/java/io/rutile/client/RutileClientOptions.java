package io.rutile.client;

import io.grpc.ChannelCredentials;
import io.micrometer.core.instrument.Metrics;
import io.rutile.tls.Tls;
import io.rutile.tls.TlsException;
import io.rutile.tls.TlsFiles;
import io.rutile.tls.TransportSecurity;
import io.rutile.trace.Tracing;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How to open a client.
 *
 * @param pdEndpoints {@code host:port} of any PD members
 * @param callTimeout one deadline for a call, retries included, where the call names none of its own
 * @param connectTimeout how long opening the client may take
 * @param channelsPerStore HTTP/2 connections to each store, 1 to 16
 * @param keyspace the name of the keyspace that {@link RutileClient#raw()} and {@link RutileClient#txn()} are about, for a cluster
 *     of API V2; null for one of V1 or V1TTL
 * @param credentials how connections to PD and stores are secured
 * @param tracing who makes the spans of calls that are made for a trace; {@link Tracing#OFF} for nobody
 */
public record RutileClientOptions(
        List<String> pdEndpoints,
        Duration callTimeout,
        Duration connectTimeout,
        int channelsPerStore,
        @Nullable String keyspace,
        ChannelCredentials credentials,
        Tracing tracing) {

    public RutileClientOptions {
        pdEndpoints = List.copyOf(pdEndpoints);
        if (callTimeout.isNegative() || callTimeout.isZero()) {
            throw new IllegalArgumentException("callTimeout must be positive: " + callTimeout);
        }
        if (connectTimeout.isNegative() || connectTimeout.isZero()) {
            throw new IllegalArgumentException("connectTimeout must be positive: " + connectTimeout);
        }
        if (channelsPerStore < 1 || channelsPerStore > 16) {
            throw new IllegalArgumentException("channelsPerStore must be 1 to 16: " + channelsPerStore);
        }
    }

    /** For a cluster of API V1 or V1TTL. */
    public RutileClientOptions(
            List<String> pdEndpoints, Duration callTimeout, Duration connectTimeout, int channelsPerStore) {
        this(
                pdEndpoints,
                callTimeout,
                connectTimeout,
                channelsPerStore,
                null,
                TransportSecurity.PLAINTEXT.channels(),
                Tracing.OFF);
    }

    /** The same for a keyspace of a cluster of API V2; {@code DEFAULT} is the one that every such cluster has. */
    public RutileClientOptions withKeyspace(String name) {
        return new RutileClientOptions(
                pdEndpoints, callTimeout, connectTimeout, channelsPerStore, name, credentials, tracing);
    }

    /** The same over connections that are secured so. */
    public RutileClientOptions withCredentials(ChannelCredentials secured) {
        return new RutileClientOptions(
                pdEndpoints, callTimeout, connectTimeout, channelsPerStore, keyspace, secured, tracing);
    }

    /** The same with spans for calls that are made while OpenTelemetry's current span is sampled. */
    public RutileClientOptions withTracing(Tracing spans) {
        return new RutileClientOptions(
                pdEndpoints, callTimeout, connectTimeout, channelsPerStore, keyspace, credentials, spans);
    }

    /**
     * The same over TLS. Files that change are read again before the next connection; one that cannot be used then is refused, which is
     * logged, and the last that could stays in use.
     *
     * @throws TlsException if they can't be used now
     */
    public RutileClientOptions withTls(TlsFiles files) {
        return withCredentials(
                Tls.client(files, Clock.systemUTC(), Metrics.globalRegistry).credentials());
    }

    public static RutileClientOptions of(List<String> pdEndpoints) {
        return new RutileClientOptions(pdEndpoints, Duration.ofSeconds(10), Duration.ofSeconds(30), 2);
    }
}
