package io.rutile.pd.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.rutile.protocol.pdpb.AllocIDRequest;
import io.rutile.protocol.pdpb.GetRegionRequest;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.assertj.core.api.Assertions;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** E1: whatever bytes or silence come to the port, others are served. */
class HostileConnectionsTest {

    @TempDir
    Path directory;

    @SuppressWarnings("NullAway.Init") // Each test starts it with bounds of its own.
    private LocalPd pd;

    private final List<Socket> sockets = new ArrayList<>();

    @AfterEach
    void stop() throws IOException {
        for (Socket socket : sockets) {
            socket.close();
        }
        pd.close();
    }

    @Test
    void garbageOnThePortLeavesItServingE1() throws IOException {
        pd = new LocalPd(directory, DoorOptions.DEFAULTS);
        long seed = Long.getLong("seed", System.nanoTime());
        Random random = new Random(seed);
        for (int i = 0; i < 50; i++) {
            byte[] garbage = new byte[1 + random.nextInt(4_096)];
            random.nextBytes(garbage);
            send(garbage);
        }
        Awaitility.await()
                .atMost(LocalPd.PATIENCE)
                .until(() -> pd.metrics.counter("kv.pd.rpc.connections.foreign").count() == 50);
        send("GET / HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        byte[] preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
        for (int i = 0; i < 50; i++) {
            byte[] frames = new byte[preface.length + 1 + random.nextInt(4_096)];
            random.nextBytes(frames);
            System.arraycopy(preface, 0, frames, 0, preface.length);
            send(frames);
        }

        assertServing("seed " + seed);
    }

    @Test
    void silentConnectionsGoAwayByThemselves() throws IOException {
        pd = new LocalPd(directory, new DoorOptions(100, 50, Duration.ofMillis(300), Duration.ofMinutes(1), 16));
        for (int i = 0; i < 20; i++) {
            connect();
        }

        for (Socket socket : sockets) {
            assertClosedByServer(socket);
        }
        assertThat(pd.metrics.counter("kv.pd.rpc.connections.silent").count()).isEqualTo(20);
        assertServing("after the silence");
    }

    @Test
    void silentConnectionsNeverKeepSpeakingOnesOut() throws IOException {
        pd = new LocalPd(directory, new DoorOptions(400, 10, Duration.ofMinutes(5), Duration.ofMinutes(5), 16));
        for (int i = 0; i < 300; i++) {
            connect();
        }

        // The oldest made room for the newer ones: ten are left.
        Awaitility.await().atMost(LocalPd.PATIENCE).untilAsserted(() -> {
            assertThat(pd.metrics.counter("kv.pd.rpc.connections.silent").count())
                    .isEqualTo(290);
            assertThat(pd.metrics.get("kv.pd.rpc.connections").gauge().value()).isEqualTo(10);
        });
        assertServing("with 300 silent connections");
    }

    @Test
    void connectionBeyondTheLimitIsClosedAndCounted() throws IOException {
        pd = new LocalPd(directory, new DoorOptions(3, 3, Duration.ofMinutes(5), Duration.ofMinutes(5), 16));
        assertServing("the first connection");
        for (int i = 0; i < 10; i++) {
            connect();
        }

        Awaitility.await()
                .atMost(LocalPd.PATIENCE)
                .until(() -> pd.metrics.counter("kv.pd.rpc.connections.refused").count() >= 8);
        assertServing("while the port is full");
    }

    @Test
    void messageBeyondTheLimitIsATypedError() {
        pd = new LocalPd(directory, DoorOptions.DEFAULTS);
        ByteString tooLong = ByteString.copyFrom(new byte[17 << 20]);

        Assertions.assertThatThrownBy(() -> pd.stub()
                        .getRegion(GetRegionRequest.newBuilder()
                                .setHeader(pd.header())
                                .setRegionKey(tooLong)
                                .build()))
                .isInstanceOfSatisfying(
                        StatusRuntimeException.class,
                        e -> assertThat(e.getStatus().getCode())
                                .isIn(Status.Code.RESOURCE_EXHAUSTED, Status.Code.CANCELLED));
        assertServing("after a message that is too long");
    }

    private void send(byte[] bytes) throws IOException {
        Socket socket = connect();
        try {
            socket.getOutputStream().write(bytes);
            socket.getOutputStream().flush();
        } catch (IOException e) {
            // The server has closed it already: as good an answer as any.
            assertThat(e).isNotNull();
        }
    }

    private Socket connect() throws IOException {
        Socket socket = new Socket();
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), pd.port()), 5_000);
        socket.setSoTimeout((int) LocalPd.PATIENCE.toMillis());
        sockets.add(socket);
        return socket;
    }

    private static void assertClosedByServer(Socket socket) {
        try {
            byte[] rest = socket.getInputStream().readAllBytes();
            assertThat(rest).isNotNull();
        } catch (IOException e) {
            assertThat(e).as("a reset closes as well").isNotInstanceOf(SocketTimeoutException.class);
        }
    }

    private void assertServing(String when) {
        assertThat(pd.stub()
                        .allocID(AllocIDRequest.newBuilder()
                                .setHeader(pd.header())
                                .build())
                        .getId())
                .as(when)
                .isPositive();
    }
}
