package io.rutile.client.txn;

import static io.rutile.client.txn.TxnTesting.key;
import static io.rutile.client.txn.TxnTesting.lock;
import static io.rutile.client.txn.TxnTesting.texts;
import static io.rutile.client.txn.TxnTesting.value;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.rutile.client.testing.FakeMvcc;
import io.rutile.client.txn.TxnReader.ScanRequest;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.errorpb.ServerIsBusy;
import io.rutile.protocol.kvrpcpb.CheckTxnStatusRequest;
import io.rutile.protocol.kvrpcpb.GetRequest;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.kvrpcpb.Op;
import io.rutile.protocol.kvrpcpb.ResolveLockRequest;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What becomes of locks that a transaction meets: the table of decisions, row by row. */
class LockResolverTest {

    private static final Duration DEAD = Duration.ofMillis(1);
    private static final Duration ALIVE = Duration.ofMinutes(1);

    private final TxnTesting t = new TxnTesting("", "m");

    @AfterEach
    void close() {
        t.close();
    }

    /** Begun by another client some time ago. */
    private TimeStamp another() {
        TimeStamp startTs = t.now();
        t.cluster.pd.letPass(Duration.ofSeconds(1));
        return startTs;
    }

    @Test
    void aSecondaryOfACommittedTransactionIsCommitted_P3() {
        TimeStamp theirs = another();
        TimeStamp at = t.now();
        t.cluster.mvcc.write(key("p"), theirs.value(), at.value(), FakeMvcc.Kind.PUT, TxnTesting.bytes("theirs"));
        t.leaveLock("a", "p", theirs, ALIVE);

        assertThat(t.read("a")).contains("theirs");
        t.awaitNoLocks();
        assertThat(t.commitTsOf("a")).isEqualTo(at.value());
        assertThat(t.requests(ResolveLockRequest.class))
                .singleElement()
                .satisfies(r -> assertThat(r.getKeysList()).containsExactly(TxnTesting.bytes("a")));
    }

    @Test
    void aReaderDoesNotWaitUntilTheLocksOfTheDecidedAreGone() {
        t.put("b", "before");
        t.put("c", "before");
        TimeStamp committed = another();
        TimeStamp between = t.now();
        t.cluster.pd.letPass(Duration.ofSeconds(1));
        t.cluster.mvcc.write(
                key("p"), committed.value(), t.now().value(), FakeMvcc.Kind.PUT, TxnTesting.bytes("theirs"));
        t.leaveLock("a", "p", committed, ALIVE);
        t.leaveLock("b", "p", committed, ALIVE);
        TimeStamp dead = another();
        t.leaveLock("c", "c2", dead, DEAD);
        t.refuseIf(
                (method, request) -> method.equals("KvResolveLock"),
                Error.newBuilder()
                        .setServerIsBusy(ServerIsBusy.newBuilder().setReason("test"))
                        .build());

        assertThat(t.read("a")).contains("theirs");
        assertThat(t.read("c")).contains("before");
        assertThat(TxnTesting.text(t.txn.snapshot(between).get(key("b")).join()))
                .as("committed after that moment")
                .contains("before");

        assertThat(t.cluster.mvcc.locks()).hasSize(3);
        assertThat(t.requests(GetRequest.class))
                .anyMatch(g -> g.getContext().getCommittedLocksList().contains(committed.value()))
                .anyMatch(g -> g.getContext().getResolvedLocksList().contains(committed.value()))
                .anyMatch(g -> g.getContext().getResolvedLocksList().contains(dead.value()));
        t.refuseIf((method, request) -> false, Error.getDefaultInstance());
        t.awaitNoLocks();
        assertThat(t.read("b")).contains("theirs");
    }

    @Test
    void aStoreThatDoesNotLetReadersPassIsAskedAgainWhenTheLocksAreGone() {
        t.cluster.mvcc.ignoresCommittedLocks = true;
        TimeStamp theirs = another();
        t.cluster.mvcc.write(key("p"), theirs.value(), t.now().value(), FakeMvcc.Kind.PUT, TxnTesting.bytes("theirs"));
        t.leaveLock("a", "p", theirs, ALIVE);

        assertThat(t.read("a")).contains("theirs");

        assertThat(t.asked("KvGet")).isLessThanOrEqualTo(3);
        assertThat(t.cluster.mvcc.locks()).isEmpty();
    }

    @Test
    void aDecidedTransactionIsNotAskedAboutAgain() {
        TimeStamp theirs = another();
        t.cluster.mvcc.write(key("p"), theirs.value(), t.now().value(), FakeMvcc.Kind.PUT, TxnTesting.bytes("theirs"));
        t.leaveLock("a", "p", theirs, ALIVE);
        t.read("a");
        t.leaveLock("b", "p", theirs, ALIVE);
        assertThat(t.read("b")).contains("theirs");
        assertThat(t.asked("KvCheckTxnStatus")).isEqualTo(1);
    }

    @Test
    void aDeadTransactionIsRolledBack_P2() {
        TimeStamp theirs = another();
        t.leaveLock("p", "p", theirs, DEAD);
        t.leaveLock("a", "p", theirs, DEAD);
        assertThat(t.read("a")).isEmpty();
        assertThat(t.read("p")).isEmpty();
        t.awaitNoLocks();
        assertThat(t.cluster.mvcc.recordsOf(key("p"))).containsKey(theirs.value());
    }

    @Test
    void aPrimaryThatWasNeverWrittenIsRolledBackOnceTheLockIsDead() {
        TimeStamp theirs = another();
        t.leaveLock("a", "p", theirs, DEAD);
        assertThat(t.read("a")).isEmpty();
        assertThat(t.requests(CheckTxnStatusRequest.class)).allMatch(CheckTxnStatusRequest::getRollbackIfNotExist);
        assertThat(t.cluster.mvcc.recordsOf(key("p"))).containsKey(theirs.value());
    }

    @Test
    void aPrimaryThatMayStillComeIsWaitedFor() {
        TimeStamp theirs = t.now();
        t.leaveLock("a", "p", theirs, Duration.ofMillis(700));
        assertThat(t.read("a")).isEmpty();
        assertThat(t.requests(CheckTxnStatusRequest.class).get(0).getRollbackIfNotExist())
                .isFalse();
        assertThat(t.requests(CheckTxnStatusRequest.class)).anyMatch(CheckTxnStatusRequest::getRollbackIfNotExist);
    }

    @Test
    void aReaderPassesALiveWriterThatWillCommitLater() {
        TimeStamp theirs = another();
        t.put("b", "before");
        t.leaveLock("a", "a", theirs, ALIVE);
        t.leaveLock("b", "a", theirs, ALIVE);
        TxnSnapshot snapshot = t.txn.snapshot(t.now());
        assertThat(snapshot.get(key("a")).join()).isEmpty();
        LockInfo pushed = t.cluster.mvcc.lockOn(key("a"));
        assertThat(pushed == null ? 0 : pushed.getMinCommitTs())
                .isGreaterThan(snapshot.startTs().value());
        // The snapshot remembers whom it passed.
        assertThat(TxnTesting.text(snapshot.get(key("b")).join())).contains("before");
        assertThat(t.asked("KvCheckTxnStatus")).isEqualTo(1);
        assertThat(t.requests(GetRequest.class).stream()
                        .filter(g -> g.getContext().getResolvedLocksList().contains(theirs.value())))
                .isNotEmpty();
    }

    @Test
    void aWriterWaitsForALiveOwnerAndThenMeetsItsWrite() {
        Transaction ours = t.begin();
        ours.put(key("a"), value("ours"));
        t.leaveLock("a", "a", t.now(), ALIVE);
        CompletableFuture<TimeStamp> commit = ours.commit();
        await().until(() -> t.asked("KvCheckTxnStatus") >= 2);
        assertThat(commit).isNotDone();
        assertThat(t.requests(CheckTxnStatusRequest.class)).allMatch(c -> c.getCallerStartTs() == 0);
        LockInfo theirs = t.cluster.mvcc.lockOn(key("a"));
        if (theirs == null) {
            throw new IllegalStateException("nobody may have removed it");
        }
        t.cluster.mvcc.resolve(
                List.of(key("a")), theirs.getLockVersion(), t.now().value());
        assertThatThrownBy(commit::join).cause().isInstanceOf(WriteConflictException.class);
    }

    @Test
    void aWriterDoesNotWaitPastItsDeadline() {
        Transaction ours = t.begin(TxnOptions.optimistic().withTimeouts(Duration.ofSeconds(1), Duration.ofMillis(300)));
        ours.put(key("a"), value("ours"));
        TimeStamp theirs = t.now();
        t.leaveLock("a", "a", theirs, ALIVE);
        assertThatThrownBy(() -> ours.commit().join()).cause().isInstanceOfSatisfying(KeyLockedException.class, e -> {
            assertThat(e.holder()).isEqualTo(theirs);
            assertThat(e.key()).isEqualTo(key("a"));
        });
    }

    @Test
    void aLargeTransactionIsResolvedByRegion() {
        TimeStamp theirs = another();
        for (String k : List.of("a", "b", "z")) {
            t.leave(lock(k, "p", theirs, DEAD).setTxnSize(100).build());
        }
        Transaction ours = t.begin(TxnOptions.optimistic().withTwoPhaseCommitOnly());
        List.of("a", "b", "z").forEach(k -> ours.put(key(k), value("ours")));
        ours.commit().join();
        assertThat(t.requests(ResolveLockRequest.class))
                .hasSize(2)
                .allMatch(r -> r.getKeysCount() == 0 && r.getStartVersion() == theirs.value());
        t.awaitNoLocks();
    }

    // ---- async commit

    private void leaveAsync(TimeStamp theirs, Duration ttl, String primary, String... secondaries) {
        LockInfo.Builder lock =
                lock(primary, primary, theirs, ttl).setUseAsyncCommit(true).setMinCommitTs(theirs.value() + 5);
        for (String s : secondaries) {
            lock.addSecondaries(TxnTesting.bytes(s));
        }
        t.leave(lock.build());
    }

    @Test
    void anAsyncCommitWithAllKeysIsCommittedAtTheGreatestMinimum_P3() {
        TimeStamp theirs = another();
        leaveAsync(theirs, DEAD, "a", "b", "z");
        t.leave(lock("b", "a", theirs, DEAD)
                .setUseAsyncCommit(true)
                .setMinCommitTs(theirs.value() + 9)
                .build());
        t.leave(lock("z", "a", theirs, DEAD)
                .setUseAsyncCommit(true)
                .setMinCommitTs(theirs.value() + 7)
                .build());
        assertThat(t.read("b")).contains("theirs");
        t.awaitNoLocks();
        for (String k : List.of("a", "b", "z")) {
            assertThat(t.commitTsOf(k)).isEqualTo(theirs.value() + 9);
        }
    }

    @Test
    void anAsyncCommitWithAKeyMissingIsRolledBack() {
        TimeStamp theirs = another();
        leaveAsync(theirs, DEAD, "a", "b", "z");
        t.leave(lock("b", "a", theirs, DEAD).setUseAsyncCommit(true).build());
        assertThat(t.read("b")).isEmpty();
        t.awaitNoLocks();
        assertThat(t.cluster.mvcc.recordsOf(key("z"))).containsKey(theirs.value());
    }

    @Test
    void anAsyncCommitThatSomebodyResolvesIsCommittedAtTheSameTimestamp() {
        TimeStamp theirs = another();
        leaveAsync(theirs, DEAD, "a", "z");
        t.cluster.mvcc.write(
                key("z"), theirs.value(), theirs.value() + 20, FakeMvcc.Kind.PUT, TxnTesting.bytes("theirs"));
        assertThat(t.read("a")).contains("theirs");
        t.awaitNoLocks();
        assertThat(t.commitTsOf("a")).isEqualTo(theirs.value() + 20);
    }

    @Test
    void anAsyncCommitThatFellBackIsDecidedByItsPrimaryAlone() {
        TimeStamp theirs = another();
        leaveAsync(theirs, DEAD, "a", "z");
        t.leaveLock("z", "a", theirs, DEAD);
        assertThat(t.read("z")).isEmpty();
        assertThat(t.requests(CheckTxnStatusRequest.class)).anyMatch(CheckTxnStatusRequest::getForceSyncCommit);
        assertThat(t.read("a")).isEmpty();
    }

    @Test
    void aLiveAsyncCommitIsLeftAlone() {
        TimeStamp theirs = t.now();
        leaveAsync(theirs, ALIVE, "a", "z");
        Optional<?> none = Optional.empty();
        TxnSnapshot earlier = t.txn.snapshot(new TimeStamp(theirs.value() + 4));
        assertThat(earlier.get(key("a")).join()).isEqualTo(none);
        assertThat(t.asked("KvCheckTxnStatus")).isZero();
        CompletableFuture<Optional<byte[]>> later = t.txn.snapshot(t.now()).get(key("a"));
        await().until(() -> t.asked("KvCheckTxnStatus") >= 2);
        assertThat(later).isNotDone();
        assertThat(t.asked("KvCheckSecondaryLocks")).isZero();
        t.cluster.mvcc.resolve(List.of(key("a")), theirs.value(), theirs.value() + 5);
        assertThat(later.join()).isPresent();
    }

    // ---- pessimistic locks, scans, batches

    @Test
    void deadPessimisticLocksAreReleasedWithoutARecord() {
        TimeStamp theirs = another();
        LockInfo.Builder pessimistic =
                lock("a", "a", theirs, DEAD).setLockType(Op.PessimisticLock).setLockForUpdateTs(theirs.value());
        t.leave(pessimistic.build());
        t.leave(pessimistic.setKey(TxnTesting.bytes("b")).build());
        Transaction ours = t.begin();
        ours.put(key("b"), value("ours"));
        ours.commit().join();
        assertThat(t.read("b")).contains("ours");
        assertThat(t.cluster.mvcc.recordsOf(key("b"))).doesNotContainKey(theirs.value());
    }

    @Test
    void aPessimisticLockWhosePrimaryMovedIsReleased() {
        TimeStamp theirs = t.now();
        t.leave(lock("p", "q", theirs, ALIVE).setLockType(Op.PessimisticLock).build());
        t.leave(lock("a", "p", theirs, ALIVE)
                .setLockType(Op.PessimisticLock)
                .setLockForUpdateTs(theirs.value())
                .build());
        Transaction ours = t.begin();
        ours.put(key("a"), value("ours"));
        ours.commit().join();
        assertThat(t.read("a")).contains("ours");
    }

    private List<String> scan() {
        return texts(t.txn.snapshot(t.now())
                .scan(new ScanRequest(KeyRange.ALL, 100, false, false))
                .join());
    }

    @Test
    void scansAndBatchesPassLocks() {
        t.put("a", "1");
        t.put("c", "3");
        t.put("z", "9");
        TimeStamp dead = another();
        t.leaveLock("a", "a", dead, DEAD);
        TimeStamp committed = another();
        t.cluster.mvcc.write(
                key("p"), committed.value(), t.now().value(), FakeMvcc.Kind.PUT, TxnTesting.bytes("theirs"));
        t.leaveLock("b", "p", committed, ALIVE);
        TimeStamp alive = another();
        t.leaveLock("c", "c", alive, ALIVE);

        assertThat(scan()).containsExactly("a=1", "b=theirs", "c=3", "p=theirs", "z=9");
        t.leaveLock("z", "z", another(), DEAD);
        Map<ByteKey, byte[]> found = t.txn.snapshot(t.now())
                .batchGet(List.of(key("a"), key("b"), key("c"), key("nothing"), key("z")))
                .join();
        assertThat(found).containsOnlyKeys(key("a"), key("b"), key("c"), key("z"));
    }
}
