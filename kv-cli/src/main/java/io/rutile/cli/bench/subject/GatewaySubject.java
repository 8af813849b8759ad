package io.rutile.cli.bench.subject;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.rutile.cli.bench.load.Action;
import io.rutile.cli.bench.load.KeySpace;
import io.rutile.cli.bench.load.Subject;
import io.rutile.cli.bench.load.Workload;
import io.rutile.client.rpc.Channels;
import io.rutile.client.rpc.Endpoint;
import io.rutile.gateway.v1.RawGetRequest;
import io.rutile.gateway.v1.RawKvGrpc;
import io.rutile.gateway.v1.RawPutRequest;
import io.rutile.gateway.v1.RawPutResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/**
 * The same cluster, through the gateway's own gRPC: what an application has that chooses between it and REST. Some connections, taken in
 * turn, as {@link GrpcSubject} has them to a store; each call by itself, for this API has no frames to share. Reads what {@link GrpcSubject}
 * loaded.
 */
public final class GatewaySubject implements Subject {

    public static final Set<Action> ACTIONS = Set.of(Action.READ, Action.UPDATE);

    private final List<ManagedChannel> channels;
    private final ServerCpu cpu;
    private final AtomicInteger turn = new AtomicInteger();

    /**
     * Connects when it is first used.
     *
     * @param address {@code host:port} of the gateway's gRPC
     */
    public GatewaySubject(String address, int connections, ServerCpu cpu) {
        this.channels = IntStream.range(0, connections)
                .mapToObj(i -> Channels.open(Endpoint.parse(address)))
                .toList();
        this.cpu = cpu;
    }

    @Override
    public String name() {
        return "gateway's gRPC";
    }

    @Override
    public Set<Action> actions() {
        return ACTIONS;
    }

    @Override
    public Optional<Boolean> regions(Workload workload) {
        return Optional.of(false);
    }

    @Override
    public void load(KeySpace keys, Set<Action> actions) throws Exception {
        read(keys.key(0)); // loaded through the stores before; this says so at once if not
    }

    @Override
    public void read(String key) throws Exception {
        RawGetRequest request =
                RawGetRequest.newBuilder().setKey(ByteString.copyFromUtf8(key)).build();
        if (!Calls.await(stub().get(request)).hasValue()) {
            throw Calls.missing();
        }
    }

    @Override
    public void update(String key, byte[] value) throws Exception {
        RawPutResponse unused = Calls.await(stub().put(RawPutRequest.newBuilder()
                .setKey(ByteString.copyFromUtf8(key))
                .setValue(ByteString.copyFrom(value))
                .build()));
    }

    private RawKvGrpc.RawKvFutureStub stub() {
        ManagedChannel channel = channels.get(Math.floorMod(turn.getAndIncrement(), channels.size()));
        return RawKvGrpc.newFutureStub(channel).withDeadlineAfter(Calls.TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
    }

    @Override
    public Map<String, Duration> cpu() {
        return cpu.used();
    }

    @Override
    public void close() {
        channels.forEach(ManagedChannel::shutdownNow);
    }
}
