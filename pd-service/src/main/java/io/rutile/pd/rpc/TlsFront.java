package io.rutile.pd.rpc;

import io.netty.channel.Channel;
import io.netty.handler.ssl.ApplicationProtocolNames;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslHandler;
import io.rutile.tls.ServerTls;
import java.util.concurrent.Executor;

/**
 * What stands in front of the gate on a port that is secured: behind it a connection's words are as they would be without. Both gRPC and
 * HTTP/1.1 are agreed on in the handshake, for clients that ask; the first words decide all the same.
 */
final class TlsFront {

    private final SslContext context;
    private final Executor handshakes;

    /** @param handshakes does the arithmetic, for event loops have timestamps to hand out */
    TlsFront(ServerTls tls, Executor handshakes) {
        this.context = tls.netty(ApplicationProtocolNames.HTTP_2, ApplicationProtocolNames.HTTP_1_1);
        this.handshakes = handshakes;
    }

    /** A connection that is silent too long is closed by the gate, in the middle of a handshake too. */
    SslHandler of(Channel connection) {
        SslHandler handler = new SslHandler(context.newEngine(connection.alloc()), handshakes);
        handler.setHandshakeTimeoutMillis(0);
        return handler;
    }
}
