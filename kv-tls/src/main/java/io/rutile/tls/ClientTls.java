package io.rutile.tls;

import io.grpc.ChannelCredentials;
import io.grpc.netty.NettySslContextChannelCredentials;
import io.netty.handler.codec.http2.Http2SecurityUtil;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ApplicationProtocolConfig.Protocol;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectedListenerFailureBehavior;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectorFailureBehavior;
import io.netty.handler.ssl.ApplicationProtocolNames;
import io.netty.handler.ssl.JdkSslContext;
import io.netty.handler.ssl.SupportedCipherSuiteFilter;
import java.util.List;

/** How connections to others are secured: their certificate has to be trusted, and for the name that was dialled. */
public final class ClientTls extends TlsEnd {

    private final ChannelCredentials credentials;

    ClientTls(TlsKeys keys, List<String> protocols, Runnable look, PeerTrust.Refusals refusals) {
        super(keys, protocols, PeerNames.ANY, refusals, look);
        this.credentials = NettySslContextChannelCredentials.create(new JdkSslContext(
                context(),
                true,
                Http2SecurityUtil.CIPHERS,
                SupportedCipherSuiteFilter.INSTANCE,
                new ApplicationProtocolConfig(
                        Protocol.ALPN,
                        SelectorFailureBehavior.NO_ADVERTISE,
                        SelectedListenerFailureBehavior.ACCEPT,
                        ApplicationProtocolNames.HTTP_2),
                io.netty.handler.ssl.ClientAuth.NONE,
                protocols.toArray(new String[0]),
                false));
    }

    /** For a gRPC channel, which also compares the certificate with the name that was dialled. */
    public ChannelCredentials credentials() {
        return credentials;
    }

    @Override
    void require(TlsKeys fresh) {
        // A client may have no key, and may trust whom the JDK trusts.
    }
}
