package io.rutile.client.testing;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.WireLimits;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.kvrpcpb.APIVersion;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.KvPair;
import io.rutile.protocol.kvrpcpb.RawBatchDeleteRequest;
import io.rutile.protocol.kvrpcpb.RawBatchDeleteResponse;
import io.rutile.protocol.kvrpcpb.RawBatchGetRequest;
import io.rutile.protocol.kvrpcpb.RawBatchGetResponse;
import io.rutile.protocol.kvrpcpb.RawBatchPutRequest;
import io.rutile.protocol.kvrpcpb.RawBatchPutResponse;
import io.rutile.protocol.kvrpcpb.RawCASRequest;
import io.rutile.protocol.kvrpcpb.RawCASResponse;
import io.rutile.protocol.kvrpcpb.RawDeleteRangeRequest;
import io.rutile.protocol.kvrpcpb.RawDeleteRangeResponse;
import io.rutile.protocol.kvrpcpb.RawDeleteRequest;
import io.rutile.protocol.kvrpcpb.RawDeleteResponse;
import io.rutile.protocol.kvrpcpb.RawGetKeyTTLRequest;
import io.rutile.protocol.kvrpcpb.RawGetKeyTTLResponse;
import io.rutile.protocol.kvrpcpb.RawGetRequest;
import io.rutile.protocol.kvrpcpb.RawGetResponse;
import io.rutile.protocol.kvrpcpb.RawPutRequest;
import io.rutile.protocol.kvrpcpb.RawPutResponse;
import io.rutile.protocol.kvrpcpb.RawScanRequest;
import io.rutile.protocol.kvrpcpb.RawScanResponse;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A store that checks requests in the protocol's order, works on the cluster's one map, and fails as it is told. */
public final class FakeStore {

    /**
     * What was asked: for assertions.
     *
     * @param items keys or pairs in it
     */
    public record Asked(String method, int items, Context context) {

        boolean isRaw() {
            return method.startsWith("Raw");
        }
    }

    public final Queue<Asked> asked = new ConcurrentLinkedQueue<>();
    /** Region errors for the next requests, one each. */
    public final Queue<Error> nextErrors = new ConcurrentLinkedQueue<>();
    /** The next requests are carried out and their connection's answer is this status, one each. */
    public final Queue<Status> nextLostAnswers = new ConcurrentLinkedQueue<>();
    /** The next requests are refused with this text in the response, one each. */
    public final Queue<String> nextTexts = new ConcurrentLinkedQueue<>();

    public final Map<ByteKey, Long> ttls = new ConcurrentHashMap<>();
    /** Bytes after which a scan stops early. */
    public volatile long scanBytesMax = WireLimits.SCAN_BYTES_MAX;
    /** False for a store that knows only requests that travel alone. */
    public volatile boolean knowsStreams = true;
    /** Takes requests and answers none. */
    public volatile boolean silent;
    /** Thinks that another store lives here. */
    public volatile long actualId;

    private final FakeCluster cluster;
    private final long id;
    private volatile Server server;
    private volatile int port;

    FakeStore(FakeCluster cluster, long id) {
        this.cluster = cluster;
        this.id = id;
        this.actualId = id;
        server = open(0);
        port = server.getPort();
    }

    private Server open(int wantedPort) {
        try {
            return NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), wantedPort))
                    .permitKeepAliveTime(1, TimeUnit.SECONDS)
                    .permitKeepAliveWithoutCalls(true)
                    .maxInboundMessageSize(WireLimits.MESSAGE_BYTES_MAX)
                    .addService(new Service())
                    .build()
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public long id() {
        return id;
    }

    public String address() {
        return "127.0.0.1:" + port;
    }

    public void kill() {
        Servers.killNow(server);
    }

    /** Comes back at another port; PD hears of it when the test says so. */
    public void restartElsewhere() {
        server = open(0);
        port = server.getPort();
    }

    public long count(String method) {
        return asked.stream().filter(a -> a.method().equals(method)).count();
    }

    public List<Integer> items(String method) {
        return asked.stream()
                .filter(a -> a.method().equals(method))
                .map(Asked::items)
                .toList();
    }

    /** Transactional requests, oldest first. */
    public final Queue<MessageLite> txnRequests = new ConcurrentLinkedQueue<>();

    /** Told of every transactional request before it is carried out, and may change the world. */
    public volatile BiConsumer<String, MessageLite> beforeTxn = (method, request) -> {};

    /** Asked about every transactional request after it was carried out: a status loses the answer. */
    public volatile BiFunction<String, MessageLite, @Nullable Status> losesAnswer = (method, request) -> null;

    /** Asked about every transactional request before anything else: an error refuses it. */
    public volatile BiFunction<String, MessageLite, @Nullable Error> refuses = (method, request) -> null;

    /** The requests of one kind, oldest first. */
    public <Q extends MessageLite> List<Q> txnRequests(Class<Q> kind) {
        return txnRequests.stream().filter(kind::isInstance).map(kind::cast).toList();
    }

    private final class Service extends FakeTxnService {

        Service() {
            super(cluster.mvcc);
        }

        @Override
        <Q extends MessageLite, R> void serveTxn(
                String method,
                Q request,
                Context context,
                StreamObserver<R> out,
                List<ByteKey> borders,
                Function<Region, R> work,
                Function<Error, R> refuse) {
            txnRequests.add(request);
            Error refusal = refuses.apply(method, request);
            if (refusal != null) {
                answer(out, refuse.apply(refusal));
                return;
            }
            beforeTxn.accept(method, request);
            serve(
                    new Asked(method, borders.size(), context),
                    out,
                    borders,
                    work,
                    refuse,
                    text -> {
                        throw new IllegalStateException("transactional responses have no place for " + text);
                    },
                    () -> losesAnswer.apply(method, request));
        }

        private <R> void serve(
                Asked request,
                StreamObserver<R> out,
                List<ByteKey> keys,
                Function<Region, R> work,
                Function<Error, R> refuse,
                Function<String, R> sayNo) {
            serve(request, out, keys, work, refuse, sayNo, () -> null);
        }

        private <R> void serve(
                Asked request,
                StreamObserver<R> out,
                List<ByteKey> keys,
                Function<Region, R> work,
                Function<Error, R> refuse,
                Function<String, R> sayNo,
                Supplier<@Nullable Status> losing) {
            asked.add(request);
            if (silent) {
                return;
            }
            Error injected = nextErrors.poll();
            if (injected != null) {
                answer(out, refuse.apply(injected));
                return;
            }
            String text = nextTexts.poll();
            String refusal = text == null ? refusalOfRaw(request, keys) : text;
            if (refusal != null) {
                answer(out, sayNo.apply(refusal));
                return;
            }
            R response;
            try {
                Region region = check(request.context(), request.isRaw() ? borders(keys) : keys);
                synchronized (cluster.data) {
                    response = work.apply(region);
                }
            } catch (RegionException e) {
                answer(out, refuse.apply(e.error()));
                return;
            }
            Status told = losing.get();
            Status lost = told == null ? nextLostAnswers.poll() : told;
            if (lost != null) {
                out.onError(lost.asRuntimeException());
                return;
            }
            answer(out, response);
        }

        /** API version and key mode, as a store of the cluster's version looks at them. */
        private @Nullable String refusalOfRaw(Asked request, List<ByteKey> keys) {
            APIVersion served = cluster.apiV2 ? APIVersion.V2 : APIVersion.V1;
            if (!request.isRaw()) {
                return null;
            }
            if (request.context().getApiVersion() != served) {
                return "Api version in request does not match with TiKV storage, storage: " + served;
            }
            boolean foreign =
                    cluster.apiV2 && keys.stream().anyMatch(key -> key.bytes().length < 4 || key.bytes()[0] != 'r');
            return foreign ? "InvalidKeyMode: not a raw key of API V2" : null;
        }

        private List<ByteKey> borders(List<ByteKey> keys) {
            return keys.stream().map(cluster::rawBorder).toList();
        }

        private <R> void answer(StreamObserver<R> out, R response) {
            out.onNext(response);
            out.onCompleted();
        }

        /** Store, Region, leader, peer, epoch, range: the protocol's order. */
        private Region check(Context context, List<ByteKey> keys) {
            if (context.getClusterId() != 0 && context.getClusterId() != FakePd.CLUSTER_ID) {
                throw RegionErrors.message("wrong cluster " + context.getClusterId());
            }
            if (context.getPeer().getStoreId() != actualId) {
                throw RegionErrors.storeNotMatch(context.getPeer().getStoreId(), actualId);
            }
            io.rutile.protocol.pdpb.Region known = cluster.truth.get(context.getRegionId());
            if (known == null) {
                throw RegionErrors.regionNotFound(context.getRegionId());
            }
            Peer leader = known.getLeader();
            if (leader.getStoreId() != id && !context.getReplicaRead() && !context.getStaleRead()) {
                throw RegionErrors.notLeader(context.getRegionId(), leader.getStoreId() == 0 ? null : leader);
            }
            long own = context.getRegionId() * 100 + id;
            if (context.getPeer().getId() != own) {
                throw RegionErrors.mismatchPeerId(context.getPeer().getId(), own);
            }
            Region region = known.getRegion();
            if (context.getRegionEpoch().getVersion() != region.getRegionEpoch().getVersion()) {
                throw RegionErrors.epochNotMatch(cluster.truth.values().stream()
                        .map(io.rutile.protocol.pdpb.Region::getRegion)
                        .toList());
            }
            for (ByteKey key : keys) {
                if (!FakeCluster.rangeOf(region).contains(key)) {
                    throw RegionErrors.keyNotInRegion(key.toByteString(), region);
                }
            }
            return region;
        }

        @Override
        boolean knowsStreams() {
            return knowsStreams;
        }

        @Override
        public void rawGet(RawGetRequest request, StreamObserver<RawGetResponse> out) {
            ByteKey key = ByteKey.of(request.getKey());
            serve(
                    new Asked("RawGet", 1, request.getContext()),
                    out,
                    List.of(key),
                    region -> {
                        byte[] value = cluster.data.get(key);
                        return value == null
                                ? RawGetResponse.newBuilder().setNotFound(true).build()
                                : RawGetResponse.newBuilder()
                                        .setValue(ByteString.copyFrom(value))
                                        .build();
                    },
                    e -> RawGetResponse.newBuilder().setRegionError(e).build(),
                    t -> RawGetResponse.newBuilder().setError(t).build());
        }

        @Override
        public void rawPut(RawPutRequest request, StreamObserver<RawPutResponse> out) {
            ByteKey key = ByteKey.of(request.getKey());
            serve(
                    new Asked("RawPut", 1, request.getContext()),
                    out,
                    List.of(key),
                    region -> {
                        cluster.data.put(key, request.getValue().toByteArray());
                        ttls.put(key, request.getTtl());
                        return RawPutResponse.getDefaultInstance();
                    },
                    e -> RawPutResponse.newBuilder().setRegionError(e).build(),
                    t -> RawPutResponse.newBuilder().setError(t).build());
        }

        @Override
        public void rawDelete(RawDeleteRequest request, StreamObserver<RawDeleteResponse> out) {
            ByteKey key = ByteKey.of(request.getKey());
            serve(
                    new Asked("RawDelete", 1, request.getContext()),
                    out,
                    List.of(key),
                    region -> {
                        cluster.data.remove(key);
                        return RawDeleteResponse.getDefaultInstance();
                    },
                    e -> RawDeleteResponse.newBuilder().setRegionError(e).build(),
                    t -> RawDeleteResponse.newBuilder().setError(t).build());
        }

        @Override
        public void rawBatchGet(RawBatchGetRequest request, StreamObserver<RawBatchGetResponse> out) {
            List<ByteKey> keys = request.getKeysList().stream().map(ByteKey::of).toList();
            serve(
                    new Asked("RawBatchGet", keys.size(), request.getContext()),
                    out,
                    keys,
                    region -> {
                        RawBatchGetResponse.Builder response = RawBatchGetResponse.newBuilder();
                        for (ByteKey key : keys) {
                            byte[] value = cluster.data.get(key);
                            if (value != null) {
                                response.addPairs(pair(key, value, false));
                            }
                        }
                        return response.build();
                    },
                    e -> RawBatchGetResponse.newBuilder().setRegionError(e).build(),
                    t -> RawBatchGetResponse.newBuilder()
                            .addPairs(KvPair.newBuilder()
                                    .setError(io.rutile.protocol.kvrpcpb.KeyError.newBuilder()
                                            .setAbort(t)))
                            .build());
        }

        @Override
        public void rawBatchPut(RawBatchPutRequest request, StreamObserver<RawBatchPutResponse> out) {
            List<ByteKey> keys = request.getPairsList().stream()
                    .map(p -> ByteKey.of(p.getKey()))
                    .toList();
            serve(
                    new Asked("RawBatchPut", keys.size(), request.getContext()),
                    out,
                    keys,
                    region -> {
                        request.getPairsList()
                                .forEach(p -> cluster.data.put(
                                        ByteKey.of(p.getKey()), p.getValue().toByteArray()));
                        if (request.getTtlsCount() > 0) {
                            keys.forEach(key -> ttls.put(key, request.getTtls(0)));
                        }
                        return RawBatchPutResponse.getDefaultInstance();
                    },
                    e -> RawBatchPutResponse.newBuilder().setRegionError(e).build(),
                    t -> RawBatchPutResponse.newBuilder().setError(t).build());
        }

        @Override
        public void rawBatchDelete(RawBatchDeleteRequest request, StreamObserver<RawBatchDeleteResponse> out) {
            List<ByteKey> keys = request.getKeysList().stream().map(ByteKey::of).toList();
            serve(
                    new Asked("RawBatchDelete", keys.size(), request.getContext()),
                    out,
                    keys,
                    region -> {
                        keys.forEach(cluster.data::remove);
                        return RawBatchDeleteResponse.getDefaultInstance();
                    },
                    e -> RawBatchDeleteResponse.newBuilder().setRegionError(e).build(),
                    t -> RawBatchDeleteResponse.newBuilder().setError(t).build());
        }

        @Override
        public void rawDeleteRange(RawDeleteRangeRequest request, StreamObserver<RawDeleteRangeResponse> out) {
            KeyRange range = new KeyRange(ByteKey.of(request.getStartKey()), ByteKey.of(request.getEndKey()));
            serve(
                    new Asked("RawDeleteRange", 1, request.getContext()),
                    out,
                    List.of(range.start()),
                    region -> {
                        KeyRange own = FakeCluster.rangeOf(region);
                        boolean beyond = !own.end().isEmpty()
                                && (range.end().isEmpty()
                                        || cluster.rawBorder(range.end()).compareTo(own.end()) > 0);
                        if (beyond) {
                            throw RegionErrors.keyNotInRegion(request.getEndKey(), region);
                        }
                        cluster.data.keySet().removeIf(range::contains);
                        return RawDeleteRangeResponse.getDefaultInstance();
                    },
                    e -> RawDeleteRangeResponse.newBuilder().setRegionError(e).build(),
                    t -> RawDeleteRangeResponse.newBuilder().setError(t).build());
        }

        @Override
        public void rawScan(RawScanRequest request, StreamObserver<RawScanResponse> out) {
            ByteKey start = ByteKey.of(request.getStartKey());
            serve(
                    new Asked("RawScan", request.getLimit(), request.getContext()),
                    out,
                    List.of(),
                    region -> scan(request, start, region),
                    e -> RawScanResponse.newBuilder().setRegionError(e).build(),
                    t -> RawScanResponse.newBuilder()
                            .addKvs(KvPair.newBuilder()
                                    .setError(io.rutile.protocol.kvrpcpb.KeyError.newBuilder()
                                            .setAbort(t)))
                            .build());
        }

        /** The near end must be in the Region, the far end is clipped; reverse begins below its start, and an empty start is nothing. */
        private RawScanResponse scan(RawScanRequest request, ByteKey start, Region region) {
            KeyRange own = FakeCluster.rangeOf(region);
            ByteKey near = start.isEmpty() ? start : cluster.rawBorder(start);
            boolean atEnd = request.getReverse() && near.equals(own.end());
            if (!own.contains(near) && !atEnd) {
                throw RegionErrors.keyNotInRegion(request.getStartKey(), region);
            }
            ByteKey end = ByteKey.of(request.getEndKey());
            NavigableMap<ByteKey, byte[]> wanted;
            if (request.getReverse()) {
                wanted = cluster.data.headMap(start, false).tailMap(end, true).descendingMap();
            } else {
                wanted = cluster.data.tailMap(start, true);
                wanted = end.isEmpty() ? wanted : wanted.headMap(end, false);
            }
            RawScanResponse.Builder response = RawScanResponse.newBuilder();
            long bytes = 0;
            for (Map.Entry<ByteKey, byte[]> entry : wanted.entrySet()) {
                if (response.getKvsCount() >= request.getLimit() || bytes >= scanBytesMax) {
                    break;
                }
                if (!own.contains(cluster.rawBorder(entry.getKey()))) {
                    continue;
                }
                response.addKvs(pair(entry.getKey(), entry.getValue(), request.getKeyOnly()));
                bytes += entry.getKey().bytes().length + entry.getValue().length;
            }
            return response.build();
        }

        @Override
        public void rawGetKeyTTL(RawGetKeyTTLRequest request, StreamObserver<RawGetKeyTTLResponse> out) {
            ByteKey key = ByteKey.of(request.getKey());
            serve(
                    new Asked("RawGetKeyTTL", 1, request.getContext()),
                    out,
                    List.of(key),
                    region -> cluster.data.containsKey(key)
                            ? RawGetKeyTTLResponse.newBuilder()
                                    .setTtl(ttls.getOrDefault(key, 0L))
                                    .build()
                            : RawGetKeyTTLResponse.newBuilder()
                                    .setNotFound(true)
                                    .build(),
                    e -> RawGetKeyTTLResponse.newBuilder().setRegionError(e).build(),
                    t -> RawGetKeyTTLResponse.newBuilder().setError(t).build());
        }

        @Override
        public void rawCompareAndSwap(RawCASRequest request, StreamObserver<RawCASResponse> out) {
            ByteKey key = ByteKey.of(request.getKey());
            serve(
                    new Asked("RawCompareAndSwap", 1, request.getContext()),
                    out,
                    List.of(key),
                    region -> swap(request, key),
                    e -> RawCASResponse.newBuilder().setRegionError(e).build(),
                    t -> RawCASResponse.newBuilder().setError(t).build());
        }

        private RawCASResponse swap(RawCASRequest request, ByteKey key) {
            byte @Nullable [] before = cluster.data.get(key);
            boolean matches = before == null
                    ? request.getPreviousNotExist()
                    : !request.getPreviousNotExist()
                            && Arrays.equals(before, request.getPreviousValue().toByteArray());
            if (matches && request.getDelete()) {
                cluster.data.remove(key);
            } else if (matches) {
                cluster.data.put(key, request.getValue().toByteArray());
                ttls.put(key, request.getTtl());
            }
            RawCASResponse.Builder response = RawCASResponse.newBuilder().setSucceed(matches);
            return before == null
                    ? response.setPreviousNotExist(true).build()
                    : response.setPreviousValue(ByteString.copyFrom(before)).build();
        }
    }

    private static KvPair pair(ByteKey key, byte[] value, boolean keyOnly) {
        KvPair.Builder pair = KvPair.newBuilder().setKey(key.toByteString());
        return keyOnly
                ? pair.build()
                : pair.setValue(ByteString.copyFrom(value)).build();
    }
}
