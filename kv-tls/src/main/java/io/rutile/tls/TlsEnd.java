package io.rutile.tls;

import java.security.GeneralSecurityException;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;

/** One end of connections: a listener, or whoever connects. Made once; what is behind its context changes. */
abstract sealed class TlsEnd permits ServerTls, ClientTls {

    /**
     * How long the JDK may resume a session instead of shaking hands anew: a certificate is not looked at again then, and a day, its default,
     * is longer than some live.
     */
    private static final int SESSION_SECONDS_MAX = 300;

    private final List<String> protocols;
    private final PeerNames names;
    private final PeerTrust.Refusals refusals;
    private final SSLContext context;
    private volatile SSLContext current;
    private volatile TlsKeys keys;

    TlsEnd(TlsKeys keys, List<String> protocols, PeerNames names, PeerTrust.Refusals refusals, Runnable look) {
        this.protocols = protocols;
        this.names = names;
        this.refusals = refusals;
        this.keys = keys;
        this.current = context(keys, names, refusals);
        this.context = new CurrentContext(() -> {
            look.run();
            return current;
        });
    }

    /** Always the same; an engine of it uses the keys of its moment. */
    public final SSLContext context() {
        return context;
    }

    /** Versions of TLS that are spoken, as the JDK names them. */
    public final List<String> protocols() {
        return protocols;
    }

    /** In use now. */
    public final TlsKeys keys() {
        return keys;
    }

    /** @throws TlsException if this end can't use them */
    final SSLContext make(TlsKeys fresh) {
        require(fresh);
        return context(fresh, names, refusals);
    }

    final void use(TlsKeys fresh, SSLContext made) {
        keys = fresh;
        current = made;
    }

    /** @throws TlsException if this end can't use them */
    abstract void require(TlsKeys fresh);

    private static SSLContext context(TlsKeys keys, PeerNames names, PeerTrust.Refusals refusals) {
        try {
            SSLContext made = SSLContext.getInstance("TLS");
            made.init(
                    keys.keyManagers(), new TrustManager[] {new PeerTrust(keys.trustManager(), names, refusals)}, null);
            made.getServerSessionContext().setSessionTimeout(SESSION_SECONDS_MAX);
            made.getClientSessionContext().setSessionTimeout(SESSION_SECONDS_MAX);
            return made;
        } catch (GeneralSecurityException e) {
            throw new TlsException("keys and certificates cannot be used: " + e.getMessage(), e);
        }
    }
}
