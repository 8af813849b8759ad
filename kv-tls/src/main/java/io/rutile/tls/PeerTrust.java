package io.rutile.tls;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.net.Socket;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.X509Certificate;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks at the certificate of whoever is at the other end, once a connection, in the handshake: trusted, valid now, and of a name that may
 * connect. Who is refused hears a TLS alert; the reason is counted, and logged at most every ten seconds.
 */
final class PeerTrust extends X509ExtendedTrustManager {

    private static final Logger log = LoggerFactory.getLogger(PeerTrust.class);
    private static final long LOG_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(10);

    private final X509ExtendedTrustManager trust;
    private final PeerNames names;
    private final Refusals refusals;

    /** What one listener, or all clients of a bundle, have refused; outlives a change of keys. */
    static final class Refusals {

        private final String at;
        private final MeterRegistry metrics;
        private final AtomicLong notBeforeNanos = new AtomicLong(System.nanoTime());

        /** @param at the listener's name, or {@code client} */
        Refusals(String at, MeterRegistry metrics) {
            this.at = at;
            this.metrics = metrics;
        }

        private void count(String reason, X509Certificate[] chain, String cause) {
            Counter.builder("kv.tls.peers.refused")
                    .description("Certificates of others that were refused in a handshake")
                    .tag("at", at)
                    .tag("reason", reason)
                    .register(metrics)
                    .increment();
            long now = System.nanoTime();
            long notBefore = notBeforeNanos.get();
            if (now - notBefore >= 0 && notBeforeNanos.compareAndSet(notBefore, now + LOG_PAUSE_NANOS)) {
                log.warn(
                        "certificate refused at={} reason={} subject={} cause=\"{}\"",
                        at,
                        reason,
                        chain.length == 0 ? "none" : TlsKeys.subject(chain[0]),
                        cause);
            }
        }
    }

    PeerTrust(X509ExtendedTrustManager trust, PeerNames names, Refusals refusals) {
        this.trust = trust;
        this.names = names;
        this.refusals = refusals;
    }

    /** The JDK's own check. */
    private interface Check {
        void run() throws CertificateException;
    }

    private void check(X509Certificate[] chain, Check trusted) throws CertificateException {
        try {
            if (chain.length > 0) {
                // The JDK does not look at the dates of a certificate that is itself among those to trust.
                chain[0].checkValidity();
            }
            trusted.run();
        } catch (CertificateExpiredException e) {
            refusals.count("expired", chain, String.valueOf(e.getMessage()));
            throw e;
        } catch (CertificateNotYetValidException e) {
            refusals.count("not-yet-valid", chain, String.valueOf(e.getMessage()));
            throw e;
        } catch (CertificateException e) {
            refusals.count("untrusted", chain, String.valueOf(e.getMessage()));
            throw e;
        }
        if (!names.allows(chain[0])) {
            String cn = PeerNames.commonName(chain[0]).orElse("");
            String why = "the common name '" + cn + "' is not among those that may connect";
            refusals.count("name", chain, why);
            throw new CertificateException(why);
        }
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) throws CertificateException {
        check(chain, () -> trust.checkClientTrusted(chain, type, engine));
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) throws CertificateException {
        check(chain, () -> trust.checkServerTrusted(chain, type, engine));
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) throws CertificateException {
        check(chain, () -> trust.checkClientTrusted(chain, type, socket));
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) throws CertificateException {
        check(chain, () -> trust.checkServerTrusted(chain, type, socket));
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) throws CertificateException {
        check(chain, () -> trust.checkClientTrusted(chain, type));
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) throws CertificateException {
        check(chain, () -> trust.checkServerTrusted(chain, type));
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
        return trust.getAcceptedIssuers();
    }
}
