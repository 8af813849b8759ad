package io.rutile.tls;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import javax.net.ssl.SSLContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keys that are in use under one name, and the listeners and clients that use them. {@link #replace} changes all of them at once, or none.
 */
public final class Tls {

    private static final Logger log = LoggerFactory.getLogger(Tls.class);
    private static final Duration LOOK_PAUSE = Duration.ofSeconds(1);

    private final String name;
    private final Clock clock;
    private final MeterRegistry metrics;
    private final List<String> protocols;
    private final Counter replaced;
    private final Counter refused;
    private final ReentrantLock changing = new ReentrantLock();
    private final List<TlsEnd> ends = new CopyOnWriteArrayList<>();
    private volatile TlsKeys keys;

    /**
     * Begins with these keys.
     *
     * @param name for logs and metrics: the bundle's
     * @param protocols versions of TLS that are spoken, as the JDK names them
     */
    public Tls(String name, TlsKeys keys, List<String> protocols, Clock clock, MeterRegistry metrics) {
        this.name = name;
        this.keys = keys;
        this.protocols = List.copyOf(protocols);
        this.clock = clock;
        this.metrics = metrics;
        this.replaced = reloads("replaced");
        this.refused = reloads("refused");
        if (keys.hasKey()) {
            Gauge.builder("kv.tls.certificate.remaining", this, Tls::remainingSeconds)
                    .description("Time until the first certificate in use expires; below 0 once it has")
                    .baseUnit("seconds")
                    .tag("bundle", name)
                    .strongReference(true)
                    .register(metrics);
        }
    }

    private Counter reloads(String outcome) {
        return Counter.builder("kv.tls.reloads")
                .description("Times that keys and certificates were read again")
                .tag("bundle", name)
                .tag("outcome", outcome)
                .register(metrics);
    }

    private double remainingSeconds() {
        return keys.expires()
                .map(end -> Duration.between(clock.instant(), end).toMillis() / 1e3)
                .orElse(Double.NaN);
    }

    /** Whether it is said whom to trust; else it would be everybody whom the JDK trusts. */
    public boolean saysWhomToTrust() {
        return keys.saysWhomToTrust();
    }

    /**
     * A client of PEM files, which are looked at when it connects, at most once a second, and read again when they have changed.
     *
     * @throws TlsException if they can't be used
     */
    public static ClientTls client(TlsFiles files, Clock clock, MeterRegistry metrics) {
        String[] stamp = {files.stamp()};
        Tls tls = new Tls("client", files.read(clock.instant()), PROTOCOLS, clock, metrics);
        AtomicLong lookedNanos = new AtomicLong(System.nanoTime());
        return tls.client(() -> {
            long looked = lookedNanos.get();
            long now = System.nanoTime();
            if (now - looked < LOOK_PAUSE.toNanos() || !lookedNanos.compareAndSet(looked, now)) {
                return;
            }
            String seen = files.stamp();
            synchronized (stamp) {
                if (seen.equals(stamp[0])) {
                    return;
                }
                // A file that is being written is refused, and changes once more when it is whole.
                stamp[0] = seen;
            }
            boolean unused = tls.replace(files::read);
        });
    }

    /** What is spoken unless somebody says otherwise. */
    public static final List<String> PROTOCOLS = List.of("TLSv1.3", "TLSv1.2");

    /**
     * A listener.
     *
     * @param at its name in logs and metrics
     * @throws TlsException if these keys can't be a server's
     */
    public ServerTls server(String at, ClientAuth clientAuth, PeerNames names) {
        if (!names.isAny() && clientAuth != ClientAuth.NEED) {
            throw new TlsException(
                    "names that may connect at " + at + " are given, and nobody has to show a certificate");
        }
        changing.lock();
        try {
            ServerTls server = new ServerTls(keys, protocols, clientAuth, names, new PeerTrust.Refusals(at, metrics));
            ends.add(server);
            return server;
        } finally {
            changing.unlock();
        }
    }

    /** Whoever connects to others. */
    public ClientTls client() {
        return client(() -> {});
    }

    private ClientTls client(Runnable look) {
        changing.lock();
        try {
            ClientTls client = new ClientTls(keys, protocols, look, new PeerTrust.Refusals("client", metrics));
            ends.add(client);
            return client;
        } finally {
            changing.unlock();
        }
    }

    /**
     * Uses other keys from the next handshake on. If they can't be used, which is logged and counted, the old ones stay.
     *
     * @param read given the time; may throw {@link TlsException}
     * @return whether they are in use
     */
    public boolean replace(Function<Instant, TlsKeys> read) {
        changing.lock();
        try {
            TlsKeys fresh = read.apply(clock.instant());
            List<SSLContext> made = new ArrayList<>();
            for (TlsEnd end : ends) {
                made.add(end.make(fresh));
            }
            for (int i = 0; i < made.size(); i++) {
                ends.get(i).use(fresh, made.get(i));
            }
            keys = fresh;
            replaced.increment();
            log.info(
                    "certificates replaced bundle={} until={}",
                    name,
                    fresh.expires().map(Instant::toString).orElse("-"));
            return true;
        } catch (RuntimeException e) {
            refused.increment();
            log.error(
                    "new certificates cannot be used, the old ones stay in use bundle={} until={} cause=\"{}\"",
                    name,
                    keys.expires().map(Instant::toString).orElse("-"),
                    e.getMessage());
            return false;
        } finally {
            changing.unlock();
        }
    }
}
