package io.rutile.cli.tls;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;

/** What a client says first, and what a server that listens to it answers. */
enum Words {
    HTTP_2("h2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"),
    HTTP_1("http/1.1", "GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");

    private static final int PATIENCE_MS = 10_000;

    private final String protocol;
    private final byte[] first;

    Words(String protocol, String first) {
        this.protocol = protocol;
        this.first = first.getBytes(StandardCharsets.US_ASCII);
    }

    /**
     * Connects, shakes hands and speaks.
     *
     * @return what the server has shown
     * @throws IOException if it does not answer: a server says only then that it refuses what it was shown
     */
    X509Certificate servedAt(int port, SSLContext context) throws IOException {
        try (SSLSocket socket =
                (SSLSocket) context.getSocketFactory().createSocket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(PATIENCE_MS);
            SSLParameters parameters = socket.getSSLParameters();
            parameters.setApplicationProtocols(new String[] {protocol});
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            socket.setSSLParameters(parameters);
            socket.startHandshake();
            if (answer(socket) < 0) {
                throw new IOException("closed without a word");
            }
            return (X509Certificate) socket.getSession().getPeerCertificates()[0];
        }
    }

    /** The first byte that comes back over plaintext, −1 if none does. */
    int plaintextAnswerAt(int port) {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(PATIENCE_MS);
            return answer(socket);
        } catch (IOException reset) {
            return -1;
        }
    }

    private int answer(Socket socket) throws IOException {
        OutputStream out = socket.getOutputStream();
        out.write(first);
        out.flush();
        InputStream in = socket.getInputStream();
        return in.read();
    }
}
