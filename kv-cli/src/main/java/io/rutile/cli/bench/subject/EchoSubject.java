package io.rutile.cli.bench.subject;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.cli.bench.load.Action;
import io.rutile.cli.bench.load.KeySpace;
import io.rutile.cli.bench.load.Subject;
import io.rutile.cli.cluster.Role;
import io.rutile.client.rpc.Channels;
import io.rutile.client.rpc.ClientTimer;
import io.rutile.client.rpc.CommandStream;
import io.rutile.client.rpc.Endpoint;
import io.rutile.client.rpc.StreamChoice;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.RawGetRequest;
import io.rutile.protocol.kvrpcpb.RawPutRequest;
import io.rutile.protocol.kvrpcpb.RawPutResponse;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.RegionEpoch;
import io.rutile.protocol.tikvpb.TikvGrpc;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;

/**
 * A floor: gRPC alone. RawGet and RawPut with messages as large as the real ones, to a server that answers at once, over as many
 * connections as kv-client has to a store and by the same streams, on which requests share frames; the caller waits for a future, as kv-client's does.
 */
public final class EchoSubject implements Subject {

    public static final Set<Action> ACTIONS = Set.of(Action.READ, Action.UPDATE);

    private static final Duration START_MAX = Duration.ofSeconds(60);

    /** What kv-client sends with each request; the ids are as long as real ones. */
    private static final Context CONTEXT = Context.newBuilder()
            .setRegionId(1_000)
            .setRegionEpoch(RegionEpoch.newBuilder().setConfVer(5).setVersion(60))
            .setPeer(Peer.newBuilder().setId(1_001).setStoreId(1))
            .setClusterId(7_000_000_000_000_000_000L)
            .setMaxExecutionDurationMs(Calls.TIMEOUT.toMillis())
            .build();

    private final FloorProcess process;
    private final List<ManagedChannel> channels;
    private final ClientTimer timer = new ClientTimer("echo-timer");
    private final ExecutorService sender = Executors.newSingleThreadExecutor(task -> {
        Thread thread = new Thread(task, "echo-send");
        thread.setDaemon(true);
        return thread;
    });
    private final List<CommandStream> streams;
    private final StreamChoice choice;

    /**
     * Starts the server.
     *
     * @param dir where its log goes
     * @param connections to it
     */
    public EchoSubject(Path dir, int valueBytes, int connections) throws InterruptedException {
        process = new FloorProcess("gRPC echo", Role.NODE, EchoServer.class, dir, Integer.toString(valueBytes));
        String port = listening(process);
        channels = IntStream.range(0, connections)
                .mapToObj(i -> Channels.open(Endpoint.parse("127.0.0.1:" + port)))
                .toList();
        DistributionSummary frames =
                DistributionSummary.builder("echo.frame.commands").register(new SimpleMeterRegistry());
        streams = channels.stream()
                .map(channel -> new CommandStream(channel, timer, sender, frames))
                .toList();
        choice = new StreamChoice(streams);
    }

    /** Of an {@link EchoServer}; ends it if it does not tell. */
    static String listening(FloorProcess process) throws InterruptedException {
        try {
            return process.hear("listening", START_MAX);
        } catch (RuntimeException | InterruptedException e) {
            process.close();
            throw e;
        }
    }

    @Override
    public String name() {
        return "gRPC echo";
    }

    @Override
    public Set<Action> actions() {
        return ACTIONS;
    }

    @Override
    public void load(KeySpace keys, Set<Action> actions) {
        // It keeps nothing.
    }

    @Override
    public void read(String key) throws Exception {
        RawGetRequest request = RawGetRequest.newBuilder()
                .setContext(CONTEXT)
                .setKey(ByteString.copyFromUtf8(key))
                .build();
        if (call(TikvGrpc.getRawGetMethod(), request).getValue().isEmpty()) {
            throw Calls.missing();
        }
    }

    @Override
    public void update(String key, byte[] value) throws Exception {
        RawPutRequest request = RawPutRequest.newBuilder()
                .setContext(CONTEXT)
                .setKey(ByteString.copyFromUtf8(key))
                .setValue(ByteString.copyFrom(value))
                .build();
        RawPutResponse unused = call(TikvGrpc.getRawPutMethod(), request);
    }

    private <Q, R> R call(MethodDescriptor<Q, R> method, Q request) throws Exception {
        CommandStream stream = streams.get(choice.next());
        return Calls.await(
                stream.start(method, request, Calls.TIMEOUT.toNanos(), null).response());
    }

    @Override
    public Map<String, Duration> cpu() {
        return ServerCpu.ofProcesses(Map.of(process.pid(), "echo")).used();
    }

    @Override
    public void close() {
        channels.forEach(ManagedChannel::shutdownNow);
        sender.shutdown();
        timer.close();
        process.close();
    }
}
