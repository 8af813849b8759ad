package io.rutile.storage.txn;

import static io.rutile.storage.StoreFixture.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.kvrpcpb.BatchGetRequest;
import io.rutile.protocol.kvrpcpb.BatchGetResponse;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.GetRequest;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.kvrpcpb.Mutation;
import io.rutile.protocol.kvrpcpb.Op;
import io.rutile.protocol.kvrpcpb.PrewriteRequest;
import io.rutile.protocol.kvrpcpb.ScanRequest;
import io.rutile.protocol.kvrpcpb.ScanResponse;
import io.rutile.storage.ManualClock;
import io.rutile.storage.Storage;
import io.rutile.storage.StorageOptions;
import io.rutile.storage.StoreFixture;
import io.rutile.storage.command.ApiVersion;
import io.rutile.storage.command.ConcurrencyManager;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.KvSnapshot;
import io.rutile.storage.engine.LockedByLeaderException;
import io.rutile.storage.engine.ReplicaRead;
import io.rutile.storage.engine.ReplicatedKv;
import io.rutile.storage.engine.WriteBatch;
import io.rutile.storage.mvcc.Lock;
import io.rutile.storage.mvcc.LockKind;
import io.rutile.storage.mvcc.MvccKey;
import io.rutile.storage.mvcc.Ts;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Reads at other replicas than the leader, from both ends (P4). */
class ReplicaReadsTest {

    private static final LockInfo LOCK = LockInfo.newBuilder()
            .setKey(ByteString.copyFromUtf8("b"))
            .setLockVersion(10)
            .build();

    /** A replica whose leader answers what a test says; it writes down what it was asked for. */
    private static final class Replica implements ReplicatedKv {

        private final Queue<KvContext> asked = new ConcurrentLinkedQueue<>();
        private volatile RuntimeException refusal = new LockedByLeaderException(LOCK);

        @Override
        public CompletableFuture<KvSnapshot> snapshot(KvContext ctx) {
            asked.add(ctx);
            return CompletableFuture.failedFuture(refusal);
        }

        @Override
        public CompletableFuture<Void> write(KvContext ctx, WriteBatch batch) {
            throw new AssertionError("nothing is written here");
        }
    }

    private final Replica replica = new Replica();
    private final Storage storage =
            new Storage(replica, StorageOptions.of(ApiVersion.V1), new ManualClock(), new SimpleMeterRegistry());

    @AfterEach
    void close() {
        storage.close();
    }

    private static ByteString bytes(String text) {
        return ByteString.copyFromUtf8(text);
    }

    private static MvccKey key(String text) {
        return MvccKey.of(bytes(text));
    }

    private static KeyRange range(String from, String to) {
        return new KeyRange(key(from).encoded(), key(to).encoded());
    }

    private static KvContext ctx(boolean replicaRead) {
        KvContext plain = StoreFixture.ctx();
        Context request =
                plain.request().toBuilder().setReplicaRead(replicaRead).build();
        return KvContext.of(request, plain.deadlineNanos());
    }

    private static ConcurrencyManager withLock(LockKind kind) {
        ConcurrencyManager leader = ConcurrencyManager.unlimited();
        leader.put(
                key("b"),
                maxTs -> Lock.builder(kind, key("b").user(), 10)
                        .asyncCommit(List.of())
                        .minCommitTs(12)
                        .build());
        return leader;
    }

    @Test
    void p4TheLeaderRaisesMaxTsBeforeAnything() {
        ConcurrencyManager leader = ConcurrencyManager.unlimited();

        assertThat(ReplicaReads.announce(leader, new ReplicaRead(50, List.of(range("a", "c")))))
                .isNull();
        assertThat(leader.maxTs()).isEqualTo(50);
        ReplicaReads.announce(leader, new ReplicaRead(Ts.MAX, List.of(range("a", "c"))));
        assertThat(leader.maxTs()).isEqualTo(50);
        ConcurrencyManager limited = new ConcurrencyManager(() -> 40);
        assertThatThrownBy(() -> ReplicaReads.announce(limited, new ReplicaRead(50, List.of(range("a", "c")))))
                .isInstanceOf(RegionException.class);
    }

    @Test
    void p4ALockInMemoryStandsInTheWayOfWhatItMayCommitBelow() {
        ConcurrencyManager leader = withLock(LockKind.PUT);

        assertThat(ReplicaReads.announce(leader, new ReplicaRead(11, List.of(range("a", "c")))))
                .as("it commits later")
                .isNull();
        assertThat(ReplicaReads.announce(leader, new ReplicaRead(12, List.of(range("a", "b"), range("c", "d")))))
                .as("other keys")
                .isNull();
        assertThat(ReplicaReads.announce(leader, new ReplicaRead(12, List.of(range("c", "a")))))
                .as("a range that holds nothing")
                .isNull();
        LockInfo lock =
                Objects.requireNonNull(ReplicaReads.announce(leader, ReplicaReads.of(12, List.of(key("a"), key("b")))));
        assertThat(lock.getLockVersion()).isEqualTo(10);
        assertThat(lock.getKey()).isEqualTo(bytes("b"));
        assertThat(ReplicaReads.announce(withLock(LockKind.LOCK), new ReplicaRead(12, List.of(range("a", "c")))))
                .as("it changes nothing")
                .isNull();
    }

    /** Semantics, section 0: who reads the newest there is does not pass a primary's lock at another replica. */
    @Test
    void p4TheNewestVersionDoesNotPassThePrimarysLock() {
        assertThat(ReplicaReads.announce(withLock(LockKind.PUT), new ReplicaRead(Ts.MAX, List.of(range("a", "c")))))
                .isNotNull();
    }

    @Test
    void theLeadersLockIsAnsweredAsItsOwnWouldBe() {
        BatchGetResponse batch = await(storage.kvBatchGet(
                ctx(true),
                BatchGetRequest.newBuilder()
                        .addKeys(bytes("a"))
                        .addKeys(bytes("b"))
                        .setVersion(20)
                        .build()));
        ScanResponse scan = Reading.scanned(await(storage.kvScan(
                ctx(true),
                ScanRequest.newBuilder()
                        .setStartKey(bytes("a"))
                        .setEndKey(bytes("c"))
                        .setLimit(5)
                        .setVersion(20)
                        .build())));

        assertThat(await(storage.kvGet(ctx(true), get())).getError().getLocked())
                .isEqualTo(LOCK);
        assertThat(batch.getError().getLocked()).isEqualTo(LOCK);
        assertThat(batch.getPairs(0).getError().getLocked()).isEqualTo(LOCK);
        assertThat(scan.getError().getLocked()).isEqualTo(LOCK);
        assertThat(replica.asked)
                .extracting(KvContext::replicaRead)
                .containsExactly(
                        ReplicaReads.of(20, List.of(key("a"), key("b"))),
                        new ReplicaRead(20, List.of(range("a", "c"))),
                        ReplicaReads.of(20, List.of(key("b"))));
    }

    private static GetRequest get() {
        return GetRequest.newBuilder().setKey(bytes("b")).setVersion(20).build();
    }

    @Test
    void otherRefusalsStayWhatTheyAre() {
        replica.refusal = RegionErrors.staleCommand(7);

        assertThatThrownBy(() -> storage.kvGet(ctx(true), get()).join()).hasRootCauseInstanceOf(RegionException.class);
    }

    @Test
    void onlyWhatReadsMayBeServedByOthersAndOnlyIfItAsks() {
        replica.refusal = RegionErrors.staleCommand(7);

        storage.rawGet(ctx(true), "", StoreFixture.key("k"));
        storage.rawBatchGet(ctx(true), "", List.of(StoreFixture.key("k")));
        assertRead(ReplicaRead.RAW);
        assertRead(ReplicaRead.RAW);
        storage.kvGet(ctx(false), get());
        storage.rawGet(ctx(false), "", StoreFixture.key("k"));
        storage.kvPrewrite(
                ctx(true),
                PrewriteRequest.newBuilder()
                        .addMutations(Mutation.newBuilder().setOp(Op.Put).setKey(bytes("k")))
                        .setPrimaryLock(bytes("k"))
                        .setStartVersion(5)
                        .build());
        assertRead(null);
        assertRead(null);
        assertRead(null);
    }

    private void assertRead(@Nullable ReplicaRead expected) {
        KvContext ctx = Awaitility.await().until(replica.asked::poll, asked -> asked != null);
        assertThat(ctx.replicaRead()).isEqualTo(expected);
    }
}
