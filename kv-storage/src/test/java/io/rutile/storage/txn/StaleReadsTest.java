package io.rutile.storage.txn;

import static io.rutile.storage.txn.TxnWords.put;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.kvrpcpb.IsolationLevel;
import io.rutile.storage.command.ConcurrencyManager;
import io.rutile.storage.mvcc.CorruptRecordException;
import io.rutile.storage.mvcc.Lock;
import io.rutile.storage.mvcc.LockKind;
import io.rutile.storage.mvcc.MvccKey;
import io.rutile.storage.mvcc.Ts;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** P8: reads at a timestamp at or below which nothing is committed any more, and what a leader does so that nothing is. */
class StaleReadsTest {

    @TempDir
    Path dir;

    private TxnFixture db;

    @BeforeEach
    void open() {
        db = TxnFixture.open(dir);
    }

    @AfterEach
    void close() {
        db.close();
    }

    private static MvccKey key(String text) {
        return MvccKey.of(ByteString.copyFromUtf8(text));
    }

    /** A lock from before the version is one that was prewritten late: it will be committed above. */
    @Test
    void p8_aLockIsInNobodysWay() {
        db.prewrite(put("k", "old")).at(5).ok();
        db.committed(5, 10, "k");
        db.prewrite(put("k", "late")).at(12).ok();
        db.kv.settled(20);

        assertThat(db.reading(20).value("k")).isEqualTo("locked@12");
        assertThat(db.reading(20).stale().value("k")).isEqualTo("old");
        assertThat(db.reading(9).stale().value("k")).isEqualTo("not_found");
        assertThat(db.reading(20).stale().batchGet("k").getPairs(0).hasError()).isFalse();
        assertThat(db.reading(20).stale().scan("a", "z", 10).getPairs(0).getValue())
                .isEqualTo(ByteString.copyFromUtf8("old"));
        assertThat(db.reading(20)
                        .stale()
                        .isolation(IsolationLevel.RCCheckTS)
                        .get("k")
                        .getError()
                        .hasConflict())
                .isTrue();
    }

    @Test
    void p8_whatIsNotSettledIsRefused() {
        db.kv.settled(20);

        assertThatThrownBy(() -> db.reading(21).stale().get("k")).isInstanceOf(RegionException.class);
        assertThatThrownBy(() -> db.reading(Ts.MAX).stale().get("k")).isInstanceOf(RegionException.class);
    }

    /** Semantics, section 0: max_ts is not raised for stale reads. */
    @Test
    void aStaleReadDoesNotRaiseMaxTs() {
        db.kv.settled(1_000);
        db.reading(1_000).stale().get("k");
        db.reading(1_000).stale().scan("a", "z", 10);

        long minCommitTs = db.prewrite(put("k", "v")).async().at(5).ok().getMinCommitTs();
        assertThat(minCommitTs).isEqualTo(6);
    }

    private static Lock.Builder lock(LockKind kind, long startTs) {
        return Lock.builder(kind, key("p").user(), startTs);
    }

    @Test
    void p8_aLeaderSettlesATimestampUnlessALockInMemoryMayBeCommittedBelow() {
        ConcurrencyManager leader = ConcurrencyManager.unlimited();
        KeyRange range = new KeyRange(key("a").encoded(), key("m").encoded());

        assertThat(leader.settle(50, range)).isEqualTo(50);
        assertThat(leader.maxTs()).isEqualTo(50);
        Lock chosen = leader.put(
                key("b"),
                maxTs -> lock(LockKind.PUT, 10)
                        .asyncCommit(List.of())
                        .minCommitTs(maxTs + 1)
                        .build());
        assertThat(chosen.minCommitTs()).isEqualTo(51);
        assertThat(leader.settle(60, range)).isEqualTo(50);
        assertThat(leader.settle(50, range)).isEqualTo(50);
        assertThat(leader.settle(60, new KeyRange(key("m").encoded(), key("z").encoded())))
                .as("other keys")
                .isEqualTo(60);
        leader.remove(key("b"));
        assertThat(leader.settle(60, range)).isEqualTo(60);
    }

    @Test
    void p8_aTimestampFromABrokenClockIsRefused() {
        ConcurrencyManager leader = new ConcurrencyManager(() -> 40);

        assertThatThrownBy(() -> leader.settle(50, KeyRange.ALL)).isInstanceOf(RegionException.class);
    }

    @Test
    void onlyLocksThatMakeVersionsCount() {
        for (LockKind kind : LockKind.values()) {
            ByteBuffer record = ByteBuffer.wrap(
                    lock(kind, 1L << 40).shortValue(new byte[] {1}).build().encode());
            boolean counts = kind == LockKind.PUT || kind == LockKind.DELETE;
            assertThat(Lock.startTsOfChange(record)).as("%s", kind).isEqualTo(counts ? 1L << 40 : Ts.MAX);
            assertThat(record.position()).isZero();
        }
        assertThatThrownBy(() -> Lock.startTsOfChange(ByteBuffer.wrap(new byte[] {1, 1})))
                .isInstanceOf(CorruptRecordException.class);
        assertThatThrownBy(() -> Lock.startTsOfChange(ByteBuffer.wrap(new byte[] {9, 1, 0, 5})))
                .isInstanceOf(CorruptRecordException.class);
    }
}
