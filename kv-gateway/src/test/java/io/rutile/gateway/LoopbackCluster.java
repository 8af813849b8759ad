package io.rutile.gateway;

import com.google.protobuf.ByteString;
import io.grpc.BindableService;
import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.kvrpcpb.KvPair;
import io.rutile.protocol.kvrpcpb.RawCASRequest;
import io.rutile.protocol.kvrpcpb.RawCASResponse;
import io.rutile.protocol.kvrpcpb.RawGetRequest;
import io.rutile.protocol.kvrpcpb.RawGetResponse;
import io.rutile.protocol.kvrpcpb.RawPutRequest;
import io.rutile.protocol.kvrpcpb.RawPutResponse;
import io.rutile.protocol.kvrpcpb.RawScanRequest;
import io.rutile.protocol.kvrpcpb.RawScanResponse;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.RegionEpoch;
import io.rutile.protocol.metapb.Store;
import io.rutile.protocol.pdpb.GetMembersRequest;
import io.rutile.protocol.pdpb.GetMembersResponse;
import io.rutile.protocol.pdpb.GetRegionRequest;
import io.rutile.protocol.pdpb.GetRegionResponse;
import io.rutile.protocol.pdpb.GetStoreRequest;
import io.rutile.protocol.pdpb.GetStoreResponse;
import io.rutile.protocol.pdpb.Member;
import io.rutile.protocol.pdpb.PDGrpc;
import io.rutile.protocol.pdpb.ResponseHeader;
import io.rutile.protocol.tikvpb.TikvGrpc;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;

/** The smallest cluster that the real client takes for one: one PD, one store, one Region. PD starts when it is told to. */
final class LoopbackCluster implements AutoCloseable {

    private static final long CLUSTER_ID = 42;

    final ConcurrentSkipListMap<ByteKey, byte[]> pairs = new ConcurrentSkipListMap<>();
    private final Peer peer = Peer.newBuilder().setId(2).setStoreId(1).build();
    private final Region region = Region.newBuilder()
            .setId(1)
            .setRegionEpoch(RegionEpoch.newBuilder().setConfVer(1).setVersion(1))
            .addPeers(peer)
            .build();
    private final Server store = start(0, new StoreService());
    private volatile Server pd = store;

    void startPd(int port) {
        pd = start(port, new PdService());
    }

    @Override
    public void close() {
        pd.shutdownNow();
        store.shutdownNow();
    }

    private static Server start(int port, BindableService service) {
        try {
            return NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), port))
                    .permitKeepAliveTime(1, TimeUnit.SECONDS)
                    .permitKeepAliveWithoutCalls(true)
                    .maxInboundMessageSize(16 << 20)
                    .addService(service)
                    .build()
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static <R> void answer(StreamObserver<R> out, R response) {
        out.onNext(response);
        out.onCompleted();
    }

    private final class PdService extends PDGrpc.PDImplBase {

        private final ResponseHeader header =
                ResponseHeader.newBuilder().setClusterId(CLUSTER_ID).build();

        @Override
        public void getMembers(GetMembersRequest request, StreamObserver<GetMembersResponse> out) {
            Member self = Member.newBuilder()
                    .setName("pd-1")
                    .setMemberId(1)
                    .addClientUrls("http://127.0.0.1:" + pd.getPort())
                    .build();
            answer(
                    out,
                    GetMembersResponse.newBuilder()
                            .setHeader(header)
                            .addMembers(self)
                            .setLeader(self)
                            .build());
        }

        @Override
        public void getRegion(GetRegionRequest request, StreamObserver<GetRegionResponse> out) {
            answer(
                    out,
                    GetRegionResponse.newBuilder()
                            .setHeader(header)
                            .setRegion(region)
                            .setLeader(peer)
                            .build());
        }

        @Override
        public void getStore(GetStoreRequest request, StreamObserver<GetStoreResponse> out) {
            answer(
                    out,
                    GetStoreResponse.newBuilder()
                            .setHeader(header)
                            .setStore(Store.newBuilder()
                                    .setId(1)
                                    .setAddress("127.0.0.1:" + store.getPort())
                                    .setVersion("8.5.0"))
                            .build());
        }
    }

    private final class StoreService extends TikvGrpc.TikvImplBase {

        @Override
        public void rawGet(RawGetRequest request, StreamObserver<RawGetResponse> out) {
            byte[] value = pairs.get(ByteKey.of(request.getKey()));
            answer(
                    out,
                    value == null
                            ? RawGetResponse.newBuilder().setNotFound(true).build()
                            : RawGetResponse.newBuilder()
                                    .setValue(ByteString.copyFrom(value))
                                    .build());
        }

        @Override
        public void rawPut(RawPutRequest request, StreamObserver<RawPutResponse> out) {
            pairs.put(ByteKey.of(request.getKey()), request.getValue().toByteArray());
            answer(out, RawPutResponse.getDefaultInstance());
        }

        @Override
        public void rawCompareAndSwap(RawCASRequest request, StreamObserver<RawCASResponse> out) {
            synchronized (pairs) {
                ByteKey key = ByteKey.of(request.getKey());
                byte[] current = pairs.get(key);
                byte[] expected = request.getPreviousNotExist()
                        ? null
                        : request.getPreviousValue().toByteArray();
                boolean same = Arrays.equals(current, expected);
                if (same) {
                    pairs.put(key, request.getValue().toByteArray());
                }
                RawCASResponse.Builder response = RawCASResponse.newBuilder().setSucceed(same);
                answer(
                        out,
                        current == null
                                ? response.setPreviousNotExist(true).build()
                                : response.setPreviousValue(ByteString.copyFrom(current))
                                        .build());
            }
        }

        @Override
        public void rawScan(RawScanRequest request, StreamObserver<RawScanResponse> out) {
            KeyRange range = new KeyRange(ByteKey.of(request.getStartKey()), ByteKey.of(request.getEndKey()));
            RawScanResponse.Builder response = RawScanResponse.newBuilder();
            pairs.entrySet().stream()
                    .filter(entry -> range.contains(entry.getKey()))
                    .limit(request.getLimit())
                    .forEach(entry -> response.addKvs(pair(entry)));
            answer(out, response.build());
        }

        private KvPair pair(Map.Entry<ByteKey, byte[]> entry) {
            return KvPair.newBuilder()
                    .setKey(entry.getKey().toByteString())
                    .setValue(ByteString.copyFrom(entry.getValue()))
                    .build();
        }
    }
}
