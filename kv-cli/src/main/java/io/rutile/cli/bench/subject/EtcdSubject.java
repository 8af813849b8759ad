package io.rutile.cli.bench.subject;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.rutile.cli.bench.load.Action;
import io.rutile.cli.bench.load.CommitWay;
import io.rutile.cli.bench.load.KeySpace;
import io.rutile.cli.bench.load.Subject;
import io.rutile.client.rpc.Channels;
import io.rutile.client.rpc.Endpoint;
import io.rutile.protocol.etcdserverpb.KVGrpc;
import io.rutile.protocol.etcdserverpb.PutRequest;
import io.rutile.protocol.etcdserverpb.RangeRequest;
import io.rutile.protocol.etcdserverpb.RequestOp;
import io.rutile.protocol.etcdserverpb.TxnRequest;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * etcd, for comparison, through its KV service: linearizable reads, which is its default. A connection to each endpoint, taken in turn, as
 * etcd's own benchmark does.
 */
public final class EtcdSubject implements Subject {

    public static final Set<Action> ACTIONS = Set.of(
            Action.READ,
            Action.UPDATE,
            Action.INSERT,
            Action.SCAN,
            Action.SCAN_FULL,
            Action.READ_MODIFY_WRITE,
            Action.TRANSACTION);

    /** etcd refuses more than 128 operations or 1.5 MiB in one request unless it is told otherwise. */
    private static final int LOAD_OPERATIONS_MAX = 64;

    private static final int LOAD_BYTES_MAX = 512 << 10;

    private final List<ManagedChannel> channels;
    private final ServerCpu cpu;
    private final AtomicInteger turn = new AtomicInteger();

    /**
     * Connects when it is first used.
     *
     * @param endpoints {@code host:port} of members
     */
    public EtcdSubject(List<String> endpoints, ServerCpu cpu) {
        this.channels =
                endpoints.stream().map(Endpoint::parse).map(Channels::open).toList();
        this.cpu = cpu;
    }

    @Override
    public String name() {
        return "etcd";
    }

    @Override
    public Set<Action> actions() {
        return ACTIONS;
    }

    @Override
    public void load(KeySpace keys, Set<Action> actions) throws Exception {
        int batch = Math.max(1, Math.min(LOAD_OPERATIONS_MAX, LOAD_BYTES_MAX / keys.valueBytes()));
        keys.forEach(batch, this::putAll);
    }

    @Override
    public void read(String key) throws Exception {
        RangeRequest request =
                RangeRequest.newBuilder().setKey(ByteString.copyFromUtf8(key)).build();
        if (Calls.await(stub().range(request)).getKvsCount() == 0) {
            throw Calls.missing();
        }
    }

    @Override
    public void update(String key, byte[] value) throws Exception {
        Calls.await(stub().put(put(key, value)));
    }

    /** To the end of all keys: a range end of one zero byte says so. */
    @Override
    public int scan(String start, int limit) throws Exception {
        return Calls.await(stub().range(RangeRequest.newBuilder()
                        .setKey(ByteString.copyFromUtf8(start))
                        .setRangeEnd(ByteString.copyFrom(new byte[1]))
                        .setLimit(limit)
                        .build()))
                .getKvsCount();
    }

    /** One request without conditions: there is no other way to commit. */
    @Override
    public void transaction(List<String> keys, byte[] value, CommitWay way) throws Exception {
        TxnRequest.Builder all = TxnRequest.newBuilder();
        keys.forEach(key -> all.addSuccess(operation(key, value)));
        Calls.await(stub().txn(all.build()));
    }

    private void putAll(Map<String, byte[]> pairs) throws Exception {
        TxnRequest.Builder all = TxnRequest.newBuilder();
        pairs.forEach((key, value) -> all.addSuccess(operation(key, value)));
        Calls.await(stub().txn(all.build()));
    }

    private static RequestOp operation(String key, byte[] value) {
        return RequestOp.newBuilder().setRequestPut(put(key, value)).build();
    }

    private static PutRequest put(String key, byte[] value) {
        return PutRequest.newBuilder()
                .setKey(ByteString.copyFromUtf8(key))
                .setValue(ByteString.copyFrom(value))
                .build();
    }

    private KVGrpc.KVFutureStub stub() {
        ManagedChannel channel = channels.get(Math.floorMod(turn.getAndIncrement(), channels.size()));
        return KVGrpc.newFutureStub(channel).withDeadlineAfter(Calls.TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
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
