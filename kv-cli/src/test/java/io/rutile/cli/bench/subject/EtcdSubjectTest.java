package io.rutile.cli.bench.subject;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.rutile.cli.bench.load.BenchFailure;
import io.rutile.cli.bench.load.CommitWay;
import io.rutile.cli.bench.load.KeySpace;
import io.rutile.protocol.etcdserverpb.KVGrpc;
import io.rutile.protocol.etcdserverpb.PutRequest;
import io.rutile.protocol.etcdserverpb.PutResponse;
import io.rutile.protocol.etcdserverpb.RangeRequest;
import io.rutile.protocol.etcdserverpb.RangeResponse;
import io.rutile.protocol.etcdserverpb.TxnRequest;
import io.rutile.protocol.etcdserverpb.TxnResponse;
import io.rutile.protocol.mvccpb.KeyValue;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListMap;
import org.junit.jupiter.api.Test;

class EtcdSubjectTest {

    /** The part of etcd's KV service that the subject calls, over a map. */
    private static final class FakeEtcd extends KVGrpc.KVImplBase {

        private final ConcurrentSkipListMap<String, PutRequest> pairs = new ConcurrentSkipListMap<>();
        private int largestTxn;

        @Override
        public void range(RangeRequest request, StreamObserver<RangeResponse> out) {
            RangeResponse.Builder answer = RangeResponse.newBuilder();
            String key = request.getKey().toStringUtf8();
            boolean toTheEnd = request.getRangeEnd().toStringUtf8().equals("\0");
            (toTheEnd ? pairs.tailMap(key) : pairs.subMap(key, key + "\0"))
                    .values().stream()
                            .limit(request.getLimit() == 0 ? Long.MAX_VALUE : request.getLimit())
                            .forEach(put -> answer.addKvs(
                                    KeyValue.newBuilder().setKey(put.getKey()).setValue(put.getValue())));
            out.onNext(answer.build());
            out.onCompleted();
        }

        @Override
        public void put(PutRequest request, StreamObserver<PutResponse> out) {
            pairs.put(request.getKey().toStringUtf8(), request);
            out.onNext(PutResponse.getDefaultInstance());
            out.onCompleted();
        }

        @Override
        public void txn(TxnRequest request, StreamObserver<TxnResponse> out) {
            largestTxn = Math.max(largestTxn, request.getSuccessCount());
            request.getSuccessList()
                    .forEach(op -> pairs.put(op.getRequestPut().getKey().toStringUtf8(), op.getRequestPut()));
            out.onNext(TxnResponse.newBuilder().setSucceeded(true).build());
            out.onCompleted();
        }
    }

    @Test
    void readsWhatItHasWritten() throws Exception {
        FakeEtcd etcd = new FakeEtcd();
        Server server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .addService(etcd)
                .build()
                .start();
        KeySpace keys = new KeySpace("e-", 300, 32, 1);
        try (EtcdSubject subject = new EtcdSubject(List.of("127.0.0.1:" + server.getPort()), ServerCpu.unknown())) {
            subject.load(keys, Set.of());
            assertThat(etcd.pairs).hasSize(300);
            assertThat(etcd.largestTxn).as("etcd takes no more than 128").isEqualTo(64);

            subject.read(keys.key(299));
            subject.update("e-new", new byte[] {1});
            subject.read("e-new");
            subject.transaction(List.of("e-x", "e-y"), new byte[] {2}, CommitWay.TWOPC);
            subject.read("e-y");
            assertThat(subject.scan(keys.prefix(), 100)).isEqualTo(100);
            assertThat(subject.scan(keys.prefix(), 1_000)).isEqualTo(303);
            assertThatThrownBy(() -> subject.read("e-nothing")).isInstanceOf(BenchFailure.class);
        } finally {
            server.shutdownNow();
        }
    }
}
