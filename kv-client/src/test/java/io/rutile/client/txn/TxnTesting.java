package io.rutile.client.txn;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.ByteString;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.client.RutileClient;
import io.rutile.client.RutileClientOptions;
import io.rutile.client.testing.FakeCluster;
import io.rutile.client.testing.FakeMvcc.Version;
import io.rutile.client.testing.FakeStore;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.kvrpcpb.Op;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;

/** A cluster of three stores, a client of it, and the words that the tests of this room are written in. */
final class TxnTesting implements AutoCloseable {

    final FakeCluster cluster = new FakeCluster(1, 3);
    final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    final RutileClient client;
    final TxnKv txn;

    /** Regions with these borders. */
    TxnTesting(String... regions) {
        cluster.txnRegions(regions);
        client = RutileClient.connect(
                new RutileClientOptions(cluster.pd.endpoints(), Duration.ofSeconds(5), Duration.ofSeconds(5), 1),
                meters);
        txn = client.txn();
    }

    static ByteKey key(String text) {
        return ByteKey.wrap(text.getBytes(UTF_8));
    }

    static byte[] value(String text) {
        return text.getBytes(UTF_8);
    }

    static ByteString bytes(String text) {
        return ByteString.copyFromUtf8(text);
    }

    static Optional<String> text(Optional<byte[]> value) {
        return value.map(bytes -> new String(bytes, UTF_8));
    }

    static List<String> texts(List<TxnReader.Pair> pairs) {
        return pairs.stream()
                .map(p -> new String(p.key().bytes(), UTF_8) + "=" + new String(p.value(), UTF_8))
                .toList();
    }

    Transaction begin(TxnOptions options) {
        return txn.begin(options).join();
    }

    Transaction begin() {
        return begin(TxnOptions.optimistic());
    }

    /** Writes in a transaction of its own. */
    TimeStamp put(String key, String value) {
        Transaction transaction = begin(TxnOptions.optimistic().withTwoPhaseCommitOnly());
        transaction.put(key(key), value(value));
        return transaction.commit().join();
    }

    Optional<String> read(String key) {
        return text(txn.snapshot(now()).get(key(key)).join());
    }

    TimeStamp now() {
        return txn.currentTimestamp().join();
    }

    void awaitNoLocks() {
        org.awaitility.Awaitility.await().until(() -> cluster.mvcc.locks().isEmpty());
    }

    /** The record that was written last. */
    @Nullable Version newest(String key) {
        Version newest = null;
        for (Version record : cluster.mvcc.recordsOf(key(key)).values()) {
            newest = record;
        }
        return newest;
    }

    long commitTsOf(String key) {
        return cluster.mvcc.recordsOf(key(key)).keySet().stream()
                .reduce((a, b) -> b)
                .orElseThrow();
    }

    /** A lock as another client leaves it: value {@code theirs}. */
    void leaveLock(String key, String primary, TimeStamp startTs, Duration ttl) {
        leave(lock(key, primary, startTs, ttl).build());
    }

    static LockInfo.Builder lock(String key, String primary, TimeStamp startTs, Duration ttl) {
        return LockInfo.newBuilder()
                .setKey(bytes(key))
                .setPrimaryLock(bytes(primary))
                .setLockVersion(startTs.value())
                .setLockTtl(ttl.toMillis())
                .setTxnSize(2)
                .setLockType(Op.Put)
                .setMinCommitTs(startTs.value() + 1);
    }

    void leave(LockInfo lock) {
        cluster.mvcc.leave(lock, bytes("theirs"));
    }

    long asked(String method) {
        return cluster.stores.stream().mapToLong(store -> store.count(method)).sum();
    }

    <Q extends com.google.protobuf.MessageLite> List<Q> requests(Class<Q> kind) {
        return cluster.stores.stream()
                .flatMap(store -> store.txnRequests(kind).stream())
                .toList();
    }

    double counter(String name) {
        var found = meters.find(name).counter();
        return found == null ? 0 : found.count();
    }

    void forgetRequests() {
        cluster.stores.forEach(store -> {
            store.asked.clear();
            store.txnRequests.clear();
        });
    }

    /** The first so many requests of this method are carried out and their answers lost. */
    void loseAnswers(String method, int times) {
        AtomicInteger left = new AtomicInteger(times);
        BiFunction<String, com.google.protobuf.MessageLite, io.grpc.@Nullable Status> losing = (asked, request) ->
                asked.equals(method) && left.getAndDecrement() > 0 ? io.grpc.Status.UNAVAILABLE : null;
        cluster.stores.forEach(store -> store.losesAnswer = losing);
    }

    /** The first so many requests of this method are refused. */
    void refuse(String method, int times, Error error) {
        AtomicInteger left = new AtomicInteger(times);
        refuseIf((asked, request) -> asked.equals(method) && left.getAndDecrement() > 0, error);
    }

    void refuseIf(BiPredicate<String, com.google.protobuf.MessageLite> which, Error error) {
        cluster.stores.forEach(store -> store.refuses = (asked, request) -> which.test(asked, request) ? error : null);
    }

    /** Runs once, before the first request of this method is carried out. */
    void before(String method, Runnable change) {
        AtomicInteger left = new AtomicInteger(1);
        for (FakeStore store : cluster.stores) {
            store.beforeTxn = (asked, request) -> {
                if (asked.equals(method) && left.getAndDecrement() > 0) {
                    change.run();
                }
            };
        }
    }

    @Override
    public void close() {
        client.close();
        cluster.close();
    }
}
