package io.rutile.tls;

import io.grpc.ChannelCredentials;
import io.grpc.InsecureChannelCredentials;
import io.grpc.InsecureServerCredentials;
import io.grpc.ServerCredentials;
import java.net.http.HttpClient;
import org.jspecify.annotations.Nullable;

/**
 * How a process's connections are secured; each of them is plaintext where it is null.
 *
 * @param clients the port for clients
 * @param peers the Raft port
 * @param outgoing connections that are opened to others
 */
public record TransportSecurity(
        @Nullable ServerTls clients,
        @Nullable ServerTls peers,
        @Nullable ClientTls outgoing) {

    /** Not at all. */
    public static final TransportSecurity PLAINTEXT = new TransportSecurity(null, null, null);

    private static final ServerCredentials PLAINTEXT_SERVER = InsecureServerCredentials.create();
    private static final ChannelCredentials PLAINTEXT_CHANNEL = InsecureChannelCredentials.create();

    /** For the gRPC server of the port for clients. */
    public ServerCredentials clientPort() {
        return clients == null ? PLAINTEXT_SERVER : clients.credentials();
    }

    /** For the gRPC server of the Raft port. */
    public ServerCredentials peerPort() {
        return peers == null ? PLAINTEXT_SERVER : peers.credentials();
    }

    /** For channels to others. */
    public ChannelCredentials channels() {
        return outgoing == null ? PLAINTEXT_CHANNEL : outgoing.credentials();
    }

    /** For HTTP to others; the rest is the caller's. */
    public HttpClient.Builder http() {
        HttpClient.Builder builder = HttpClient.newBuilder();
        return outgoing == null ? builder : builder.sslContext(outgoing.context());
    }

    /** Of URLs of others. */
    public String outgoingScheme() {
        return outgoing == null ? "http" : "https";
    }

    /** Of URLs of the port for clients. */
    public String clientScheme() {
        return clients == null ? "http" : "https";
    }

    /** Of URLs of the Raft port. */
    public String peerScheme() {
        return peers == null ? "http" : "https";
    }
}
