package io.rutile.gateway.grpc;

import static io.rutile.gateway.grpc.GrpcTesting.utf8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.Status.Code;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.rutile.gateway.RunningGateway;
import io.rutile.gateway.v1.RawGetRequest;
import io.rutile.gateway.v1.RawKvGrpc;
import io.rutile.gateway.v1.RawPutRequest;
import io.rutile.protocol.WireLimits;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever a stranger sends ends in a status or a closed connection, and the next call is served (E1). */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class MalformedGrpcTest {

    private final RunningGateway gateway = RunningGateway.shared();
    private final RawKvGrpc.RawKvBlockingStub raw = RawKvGrpc.newBlockingStub(gateway.channel());

    @AfterEach
    void nothingIsLostOrStuck() {
        raw.put(RawPutRequest.newBuilder()
                .setKey(utf8("alive"))
                .setValue(utf8("yes"))
                .build());
        await().untilAsserted(() -> {
            assertThat(gateway.gauge("kv.gateway.requests.in.flight")).isZero();
            assertThat(gateway.gauge("kv.gateway.in.flight")).isZero();
        });
    }

    @Test
    void noiseIsNoCall() throws IOException {
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("seed=" + seed);
        Random random = new Random(seed);
        String connection = Http2Frames.connection().text();
        String call =
                Http2Frames.connection().call(1, "rutile.gateway.v1.RawKv/Put").text();
        for (int i = 0; i < 60; i++) {
            byte[] noise = new byte[1 + random.nextInt(2_000)];
            random.nextBytes(noise);
            String text = new String(noise, StandardCharsets.ISO_8859_1);

            sendAndHangUp(i % 3 == 0 ? text : i % 3 == 1 ? connection + text : call + text);
        }
    }

    @Test
    void anotherProtocolIsSentAway() throws IOException {
        for (String hello :
                new String[] {"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n", "\u0016\u0003\u0001\u0002\u0000"}) {
            try (Socket socket = gateway.open(hello + "\r\n".repeat(20), gateway.grpcPort)) {
                drain(socket);
            }
        }
    }

    @Test
    void halfClosedConnectionsAreClosed() throws IOException {
        String connection = Http2Frames.connection().text();
        String call =
                Http2Frames.connection().call(1, "rutile.gateway.v1.RawKv/Put").text();
        for (String begun : new String[] {"", connection, call}) {
            try (Socket socket = gateway.open(begun, gateway.grpcPort)) {
                socket.shutdownOutput();
                drain(socket);
            }
        }
    }

    @Test
    void bytesThatAreNoMessageEndTheirCallAlone() {
        assertThat(codeOf("rutile.gateway.v1.RawKv/Put", new byte[] {(byte) 0xff, 1, 2, 3}))
                .isEqualTo(Code.INVALID_ARGUMENT);
        assertThat(codeOf("grpc.health.v1.Health/Check", new byte[] {(byte) 0xff, 1, 2, 3}))
                .isEqualTo(Code.INVALID_ARGUMENT);
        assertThat(gateway.kv.pairs).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"rutile.gateway.v1.RawKv/Nothing", "rutile.gateway.v1.Nobody/Get", "tikvpb.Tikv/RawGet"})
    void nobodyServesAnotherMethod(String method) {
        assertThat(codeOf(method, new byte[0])).isEqualTo(Code.UNIMPLEMENTED);
    }

    @Test
    void aMessageOverItsLimitEndsItsCallAlone() {
        Throwable refused = catchThrowable(() -> raw.put(RawPutRequest.newBuilder()
                .setValue(ByteString.copyFrom(new byte[WireLimits.MESSAGE_BYTES_MAX]))
                .build()));

        assertThat(Status.fromThrowable(refused).getCode()).isEqualTo(Code.RESOURCE_EXHAUSTED);
    }

    @Test
    void aHeaderListOverItsLimitIsRefused() {
        Metadata headers = new Metadata();
        headers.put(Metadata.Key.of("large", Metadata.ASCII_STRING_MARSHALLER), "x".repeat(20 << 10));
        ManagedChannel own = NettyChannelBuilder.forAddress("127.0.0.1", gateway.grpcPort)
                .usePlaintext()
                .build();
        try {
            Throwable refused = catchThrowable(() -> RawKvGrpc.newBlockingStub(own)
                    .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
                    .get(RawGetRequest.getDefaultInstance()));

            assertThat(refused).isNotNull();
        } finally {
            own.shutdownNow();
        }
    }

    @Test
    void aHealthCheckIsShort() {
        assertThat(codeOf("grpc.health.v1.Health/Check", new byte[1 << 20])).isEqualTo(Code.RESOURCE_EXHAUSTED);
    }

    @Test
    void aCallWithoutAMessageOrWithTwoIsRefused() throws IOException {
        byte[] empty = new byte[5];
        String none = Http2Frames.connection()
                .call(1, "rutile.gateway.v1.RawKv/Put")
                .data(1, Http2Frames.END_STREAM, new byte[0])
                .text();
        String two = Http2Frames.connection()
                .call(1, "rutile.gateway.v1.RawKv/Put")
                .data(1, 0, empty)
                .data(1, Http2Frames.END_STREAM, empty)
                .text();
        for (String begun : new String[] {none, two}) {
            sendAndHangUp(begun);
        }
        assertThat(gateway.kv.pairs).isEmpty();
    }

    /** What a call of any method with any bytes as its message ends with. */
    private Code codeOf(String method, byte[] message) {
        MethodDescriptor<byte[], byte[]> descriptor = MethodDescriptor.<byte[], byte[]>newBuilder()
                .setType(MethodDescriptor.MethodType.UNARY)
                .setFullMethodName(method)
                .setRequestMarshaller(new Bytes())
                .setResponseMarshaller(new Bytes())
                .build();
        Throwable refused = catchThrowable(
                () -> ClientCalls.blockingUnaryCall(gateway.channel(), descriptor, CallOptions.DEFAULT, message));
        assertThat(refused).isNotNull();
        return Status.fromThrowable(refused).getCode();
    }

    private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {

        @Override
        public InputStream stream(byte[] bytes) {
            return new ByteArrayInputStream(bytes);
        }

        @Override
        public byte[] parse(InputStream stream) {
            try {
                return stream.readAllBytes();
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }
    }

    private void sendAndHangUp(String begun) throws IOException {
        try (Socket socket = gateway.open(begun, gateway.grpcPort)) {
            socket.shutdownOutput();
            drain(socket);
        } catch (java.net.SocketTimeoutException e) {
            throw e;
        } catch (IOException e) {
            // Closed while we were still talking: a fair answer.
        }
    }

    /** Reads until the gateway closes. @throws java.net.SocketTimeoutException if it never does */
    private static void drain(Socket socket) throws IOException {
        try {
            socket.getInputStream().readAllBytes();
        } catch (java.net.SocketTimeoutException e) {
            throw e;
        } catch (IOException e) {
            // A reset is an end too.
        }
    }
}
