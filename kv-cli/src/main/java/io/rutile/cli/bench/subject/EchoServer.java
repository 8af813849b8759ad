package io.rutile.cli.bench.subject;

import com.google.protobuf.ByteString;
import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.WireLimits;
import io.rutile.protocol.kvrpcpb.RawGetRequest;
import io.rutile.protocol.kvrpcpb.RawGetResponse;
import io.rutile.protocol.kvrpcpb.RawPutRequest;
import io.rutile.protocol.kvrpcpb.RawPutResponse;
import io.rutile.protocol.pdpb.GetMembersRequest;
import io.rutile.protocol.pdpb.GetMembersResponse;
import io.rutile.protocol.pdpb.Member;
import io.rutile.protocol.pdpb.PDGrpc;
import io.rutile.protocol.pdpb.ResponseHeader;
import io.rutile.protocol.pdpb.Timestamp;
import io.rutile.protocol.pdpb.TsoRequest;
import io.rutile.protocol.pdpb.TsoResponse;
import io.rutile.protocol.tikvpb.BatchCommandsRequest;
import io.rutile.protocol.tikvpb.BatchCommandsResponse;
import io.rutile.protocol.tikvpb.TikvGrpc;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The server of the gRPC floors: takes the messages of RawGet and RawPut and answers messages of the same size, and answers PD's Tso from
 * a counter. It looks at nothing, keeps nothing and decides nothing. Threads, windows and limits are those of a node's door.
 *
 * <p>As a process: says {@code listening PORT} and ends with its standard input.
 */
final class EchoServer implements AutoCloseable {

    private static final int CONNECTION_THREADS = 2;
    private static final int WINDOW_BYTES = 1 << 20;
    private static final int HEADER_BYTES_MAX = 16 << 10;
    private static final int STREAMS_PER_CONNECTION_MAX = 1_024;
    private static final long CLUSTER_ID = 1;

    private final ExecutorService handlers = Executors.newFixedThreadPool(
            Math.max(4, 2 * Runtime.getRuntime().availableProcessors()), new DefaultThreadFactory("rpc", true));
    private final EventLoopGroup acceptor = loops("rpc-accept", 1);
    private final EventLoopGroup connections = loops("rpc-io", CONNECTION_THREADS);
    private final Server server;

    /** @param valueBytes of what a get is answered */
    EchoServer(int valueBytes) {
        server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .bossEventLoopGroup(acceptor)
                .workerEventLoopGroup(connections)
                .channelType(io.netty.channel.socket.nio.NioServerSocketChannel.class)
                .executor(handlers)
                .maxInboundMessageSize(WireLimits.MESSAGE_BYTES_MAX)
                .maxInboundMetadataSize(HEADER_BYTES_MAX)
                .maxConcurrentCallsPerConnection(STREAMS_PER_CONNECTION_MAX)
                .flowControlWindow(WINDOW_BYTES)
                .permitKeepAliveTime(1, TimeUnit.SECONDS)
                .permitKeepAliveWithoutCalls(true)
                .addService(new Echo(valueBytes))
                .addService(new Oracle(this::port))
                .build();
    }

    public static void main(String[] args) throws IOException {
        try (EchoServer echo = new EchoServer(Integer.parseInt(args[0]))) {
            System.out.println("listening " + echo.start());
            System.out.flush();
            while (System.in.read() != -1) {
                // Whoever started this says nothing more.
            }
        }
    }

    /** Opens the port, and says which. */
    int start() throws IOException {
        server.start();
        return port();
    }

    private int port() {
        return server.getPort();
    }

    private static EventLoopGroup loops(String name, int threads) {
        return new MultiThreadIoEventLoopGroup(
                threads, new DefaultThreadFactory(name, true), NioIoHandler.newFactory());
    }

    @Override
    @SuppressWarnings("FutureReturnValueIgnored") // event loops end by themselves
    public void close() {
        server.shutdownNow();
        handlers.shutdownNow();
        acceptor.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        connections.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }

    private static final class Echo extends TikvGrpc.TikvImplBase {

        private final ByteString value;

        Echo(int valueBytes) {
            byte[] bytes = new byte[valueBytes];
            new SplittableRandom(1).nextBytes(bytes);
            value = ByteString.copyFrom(bytes);
        }

        /** What came in one frame is answered in one. */
        @Override
        public StreamObserver<BatchCommandsRequest> batchCommands(StreamObserver<BatchCommandsResponse> out) {
            return new StreamObserver<>() {
                @Override
                public void onNext(BatchCommandsRequest frame) {
                    BatchCommandsResponse.Builder answers =
                            BatchCommandsResponse.newBuilder().addAllRequestIds(frame.getRequestIdsList());
                    frame.getRequestsList().forEach(request -> answers.addResponses(answer(request)));
                    out.onNext(answers.build());
                }

                @Override
                public void onError(Throwable failure) {
                    // The client is gone.
                }

                @Override
                public void onCompleted() {
                    out.onCompleted();
                }
            };
        }

        private BatchCommandsResponse.Response answer(BatchCommandsRequest.Request request) {
            BatchCommandsResponse.Response.Builder answer = BatchCommandsResponse.Response.newBuilder();
            return (request.hasRawGet()
                            ? answer.setRawGet(RawGetResponse.newBuilder().setValue(value))
                            : answer.setRawPut(RawPutResponse.getDefaultInstance()))
                    .build();
        }

        @Override
        public void rawGet(RawGetRequest request, StreamObserver<RawGetResponse> out) {
            out.onNext(RawGetResponse.newBuilder().setValue(value).build());
            out.onCompleted();
        }

        @Override
        public void rawPut(RawPutRequest request, StreamObserver<RawPutResponse> out) {
            out.onNext(RawPutResponse.getDefaultInstance());
            out.onCompleted();
        }
    }

    /** Names itself leader, for PD's clients ask before they speak to anybody. */
    private static final class Oracle extends PDGrpc.PDImplBase {

        private interface Port {
            int get();
        }

        private final AtomicLong last = new AtomicLong(TimeStamp.of(1, 0).value());
        private final Port port;

        Oracle(Port port) {
            this.port = port;
        }

        @Override
        public void getMembers(GetMembersRequest request, StreamObserver<GetMembersResponse> out) {
            Member self = Member.newBuilder()
                    .setName("echo")
                    .setMemberId(1)
                    .addClientUrls("http://127.0.0.1:" + port.get())
                    .build();
            out.onNext(GetMembersResponse.newBuilder()
                    .setHeader(header())
                    .addMembers(self)
                    .setLeader(self)
                    .build());
            out.onCompleted();
        }

        @Override
        public StreamObserver<TsoRequest> tso(StreamObserver<TsoResponse> out) {
            return new StreamObserver<>() {
                @Override
                public void onNext(TsoRequest request) {
                    TimeStamp granted = take(request.getCount());
                    out.onNext(TsoResponse.newBuilder()
                            .setHeader(header())
                            .setCount(request.getCount())
                            .setTimestamp(Timestamp.newBuilder()
                                    .setPhysical(granted.physicalMs())
                                    .setLogical(granted.logical()))
                            .build());
                }

                @Override
                public void onError(Throwable failure) {
                    // The client is gone.
                }

                @Override
                public void onCompleted() {
                    out.onCompleted();
                }
            };
        }

        /** The last of so many, which lie in one millisecond as the protocol wants it. */
        private TimeStamp take(int count) {
            return new TimeStamp(last.updateAndGet(before -> {
                TimeStamp now = new TimeStamp(before);
                return now.logical() + count < TimeStamp.LOGICAL_COUNT
                        ? before + count
                        : TimeStamp.of(now.physicalMs() + 1, count).value();
            }));
        }

        private static ResponseHeader header() {
            return ResponseHeader.newBuilder().setClusterId(CLUSTER_ID).build();
        }
    }
}
