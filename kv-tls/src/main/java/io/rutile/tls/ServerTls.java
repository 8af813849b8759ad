package io.rutile.tls;

import io.grpc.ServerCredentials;
import io.grpc.netty.NettySslContextServerCredentials;
import io.netty.handler.codec.http2.Http2SecurityUtil;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ApplicationProtocolConfig.Protocol;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectedListenerFailureBehavior;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectorFailureBehavior;
import io.netty.handler.ssl.ApplicationProtocolNames;
import io.netty.handler.ssl.JdkSslContext;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SupportedCipherSuiteFilter;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.List;

/** How a listener is secured. */
public final class ServerTls extends TlsEnd {

    private static final String ANY_PURPOSE = "2.5.29.37.0";
    private static final String SERVERS = "1.3.6.1.5.5.7.3.1";

    private final ClientAuth clientAuth;

    ServerTls(
            TlsKeys keys, List<String> protocols, ClientAuth clientAuth, PeerNames names, PeerTrust.Refusals refusals) {
        super(keys, protocols, names, refusals, () -> {});
        this.clientAuth = clientAuth;
        require(keys);
    }

    /** Whether those who connect are asked for a certificate. */
    public ClientAuth clientAuth() {
        return clientAuth;
    }

    /** For a gRPC server. */
    public ServerCredentials credentials() {
        return NettySslContextServerCredentials.create(netty(ApplicationProtocolNames.HTTP_2));
    }

    /**
     * For a pipeline of one's own.
     *
     * @param spoken protocols that are agreed on in the handshake, the best one first
     */
    public SslContext netty(String... spoken) {
        return new JdkSslContext(
                context(),
                false,
                Http2SecurityUtil.CIPHERS,
                SupportedCipherSuiteFilter.INSTANCE,
                new ApplicationProtocolConfig(
                        Protocol.ALPN,
                        SelectorFailureBehavior.NO_ADVERTISE,
                        SelectedListenerFailureBehavior.ACCEPT,
                        spoken),
                switch (clientAuth) {
                    case NONE -> io.netty.handler.ssl.ClientAuth.NONE;
                    case WANT -> io.netty.handler.ssl.ClientAuth.OPTIONAL;
                    case NEED -> io.netty.handler.ssl.ClientAuth.REQUIRE;
                },
                protocols().toArray(new String[0]),
                false);
    }

    @Override
    void require(TlsKeys fresh) {
        if (!fresh.hasKey()) {
            throw new TlsException("a listener needs a private key and its certificate");
        }
        if (clientAuth != ClientAuth.NONE && !fresh.saysWhomToTrust()) {
            throw new TlsException("certificates are asked for, and no CA is given that they have to be of");
        }
        X509Certificate own = fresh.chain().get(0);
        try {
            List<String> purposes = own.getExtendedKeyUsage();
            if (purposes != null && !purposes.contains(SERVERS) && !purposes.contains(ANY_PURPOSE)) {
                throw new TlsException("the certificate of " + TlsKeys.subject(own)
                        + " is not for servers: its extended key usage lacks serverAuth");
            }
        } catch (CertificateParsingException e) {
            throw new TlsException("the certificate of " + TlsKeys.subject(own) + " cannot be read", e);
        }
    }
}
