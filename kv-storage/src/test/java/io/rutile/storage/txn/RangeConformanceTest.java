package io.rutile.storage.txn;

import static io.rutile.storage.StoreFixture.await;
import static io.rutile.storage.StoreFixture.regionError;
import static io.rutile.storage.txn.TxnWords.alreadyExist;
import static io.rutile.storage.txn.TxnWords.conflict;
import static io.rutile.storage.txn.TxnWords.del;
import static io.rutile.storage.txn.TxnWords.insert;
import static io.rutile.storage.txn.TxnWords.lockOnly;
import static io.rutile.storage.txn.TxnWords.locked;
import static io.rutile.storage.txn.TxnWords.only;
import static io.rutile.storage.txn.TxnWords.put;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.kvrpcpb.DeleteRangeResponse;
import io.rutile.protocol.kvrpcpb.FlushResponse;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.kvrpcpb.MvccGetByStartTsResponse;
import io.rutile.protocol.kvrpcpb.MvccInfo;
import io.rutile.protocol.kvrpcpb.Op;
import io.rutile.protocol.kvrpcpb.WriteConflict.Reason;
import io.rutile.storage.StoreFixture;
import io.rutile.storage.mvcc.GcProgress;
import io.rutile.storage.txn.TxnWords.Conflict;
import org.junit.jupiter.api.Test;

/** Cases D01, D02, F01 to F04, M01 and M02: deleting ranges, garbage collection, flushes, and looking at the records. */
class RangeConformanceTest extends TxnConformance {

    @Test
    void d01ARangeIsGoneWithItsHistoryAndLocks() {
        for (String key : new String[] {"a", "b", "c"}) {
            db.wrote(key, "v", 5, 8);
        }
        db.prewrite(put("b", "x".repeat(1000))).at(10).ok();

        assertThat(await(db.deleteRange("a", "c", true))).isEqualTo(DeleteRangeResponse.getDefaultInstance());
        assertThat(db.get("a", 8)).isEqualTo("v"); // that was only an announcement

        assertThat(await(db.deleteRange("a", "c", false))).isEqualTo(DeleteRangeResponse.getDefaultInstance());
        for (long version : new long[] {8, 20, TxnWords.MAX}) {
            assertThat(db.get("a", version)).isEqualTo("not_found");
            assertThat(db.get("b", version)).isEqualTo("not_found");
            assertThat(db.get("c", version)).isEqualTo("v");
        }
        assertThat(db.locks()).isEmpty();
        assertThat(db.records("b")).isEqualTo(MvccInfo.getDefaultInstance());
    }

    @Test
    void d01ABackwardsOrOpenRangeIsRefused() {
        db.wrote("a", "v", 5, 8);

        for (String end : new String[] {"", "a"}) {
            assertThat(regionError(db.deleteRange("a", end, false)).getMessage())
                    .isNotEmpty();
        }
        assertThat(db.get("a", 8)).isEqualTo("v");
    }

    @Test
    void d02NothingIsLostThatMayBeRead() {
        db.wrote("k", "v10", 9, 10);
        db.wrote("k", "v20", 19, 20);
        db.wrote("k", "v30", 29, 30);
        db.wrote("deleted", "x".repeat(1000), 9, 10);
        db.deleted("deleted", 19, 20);
        db.given(lockOnly("noise"), 9, 10);
        db.rolledBack(12, "noise");
        db.wrote("below", "older", 5, 6);
        db.given(lockOnly("below"), 9, 10);

        assertThat(db.gc(25)).isEqualTo(6); // k 1, deleted 2, noise 2, below 1

        assertThat(db.get("k", 25)).isEqualTo("v20");
        assertThat(db.get("k", 30)).isEqualTo("v30");
        assertThat(db.writes("k")).containsExactly("Put 29→30", "Put 19→20");
        assertThat(db.records("deleted")).isEqualTo(MvccInfo.getDefaultInstance());
        assertThat(db.writes("noise")).isEmpty();
        assertThat(db.get("below", 25)).isEqualTo("older");
        assertThat(db.gc(25)).isZero();
    }

    @Test
    void d02ADeleteAboveTheSafePointStays() {
        db.wrote("k", "v", 9, 10);
        db.deleted("k", 29, 30);

        db.gc(25);

        assertThat(db.get("k", 29)).isEqualTo("v");
        assertThat(db.get("k", 30)).isEqualTo("not_found");
        db.gc(30);
        assertThat(db.records("k")).isEqualTo(MvccInfo.getDefaultInstance());
    }

    /** A pass that ends in the middle of a key has taken its oldest versions: the delete on top still hides the others. */
    @Test
    void d02AnUnfinishedKeyShowsNothingThatWasDeleted() {
        for (int i = 0; i < 1_500; i++) {
            db.prewrite(put("k", "v")).at(10 + i).onePc().ok();
        }
        db.deleted("k", 5_000, 5_001);

        GcProgress first = await(db.storage.gc(StoreFixture.ctx(), 6_000, ByteKey.EMPTY));

        assertThat(first.removedVersions()).isLessThan(1_501);
        assertThat(first.next()).isNotNull();
        assertThat(db.get("k", 6_000)).isEqualTo("not_found");
        assertThat(first.removedVersions() + db.gc(6_000)).isEqualTo(1_501);
    }

    @Test
    void d02ALongHistoryIsCollectedInBoundedPasses() {
        for (int i = 0; i < 300; i++) {
            db.prewrite(put("k", "x".repeat(300))).at(10 + i).onePc().ok();
        }

        assertThat(db.gc(1000)).isEqualTo(299);

        assertThat(db.writes("k")).hasSize(1);
        assertThat(db.records("k").getValuesList()).hasSize(1);
        assertThat(db.get("k", 1000)).hasSize(300);
    }

    @Test
    void f01ALaterGenerationOverwrites() {
        db.flushed(10, 1, "k", put("k", "v1"));
        db.flushed(10, 2, "k", put("k", "v2"));

        assertThat(db.buffered(10, "k", "absent")).containsExactly("k=v2");
        LockInfo lock = db.lockOn("k");
        assertThat(lock.getLockType()).isEqualTo(Op.Put);
        assertThat(lock.getMinCommitTs()).isEqualTo(11);
        db.committed(10, 15, "k");
        assertThat(db.get("k", 15)).isEqualTo("v2");
    }

    @Test
    void f01OnlyOwnLocksAreBuffered() {
        db.flushed(10, 1, "k", put("k", "v"), del("gone"));

        assertThat(db.buffered(10, "gone", "k")).containsExactlyInAnyOrder("gone=", "k=v");
        assertThat(db.buffered(11, "k")).isEmpty();
    }

    @Test
    void f02AnEarlierGenerationComesTooLate() {
        db.flushed(10, 2, "k", put("k", "v2"));
        db.flushed(10, 1, "k", put("k", "v1"));
        db.flushed(10, 2, "k", del("k"));

        assertThat(db.buffered(10, "k")).containsExactly("k=v2");
    }

    @Test
    void f03ALockedKeyDoesNotStopTheOthers() {
        db.prewrite(put("a", "v")).at(3).ok();

        FlushResponse response = db.flush(10, 1, "b", put("a", "w"), put("b", "w"));

        locked(only(response.getErrorsList()), "a", 3);
        assertThat(db.locks()).containsExactly("a@3", "b@10");
    }

    @Test
    void f03AConflictStopsAll() {
        db.wrote("a", "v", 11, 12);

        FlushResponse response = db.flush(10, 1, "b", put("b", "w"), put("a", "w"));

        assertThat(conflict(only(response.getErrorsList())))
                .isEqualTo(new Conflict("a", 10, 11, 12, Reason.Optimistic));
        assertThat(db.locks()).isEmpty();
    }

    @Test
    void f04AnInsertMeetsTheOwnFlushedPut() {
        db.flushed(10, 2, "k", put("k", "v"));

        assertThat(alreadyExist(only(db.flush(10, 3, "k", insert("k", "w")).getErrorsList())))
                .isEqualTo("k");
        db.flushed(10, 2, "k", insert("k", "w"));
        assertThat(db.buffered(10, "k")).containsExactly("k=v");
    }

    @Test
    void f04GenerationZeroIsRefused() {
        assertThat(db.flush(10, 0, "k", put("k", "v")).getErrorsList()).isNotEmpty();
        assertThat(db.locks()).isEmpty();
    }

    @Test
    void m01AKeysRecords() {
        db.wrote("k", "v", 5, 10);
        db.prewrite(put("k", "w")).at(20).primary("p").ok();

        MvccInfo info = db.records("k");

        assertThat(info.getLock().getType()).isEqualTo(Op.Put);
        assertThat(info.getLock().getStartTs()).isEqualTo(20);
        assertThat(info.getLock().getPrimary().toStringUtf8()).isEqualTo("p");
        assertThat(info.getLock().getShortValue().toStringUtf8()).isEqualTo("w");
        assertThat(db.writes("k")).containsExactly("Put 5→10");
        assertThat(info.getWrites(0).getShortValue().toStringUtf8()).isEqualTo("v");
        assertThat(info.getValuesList()).isEmpty(); // 255 bytes and less lie inside the record
    }

    @Test
    void m01ALongValueLiesBesideItsRecord() {
        String value = "x".repeat(256);
        db.wrote("k", value, 5, 10);

        MvccInfo info = db.records("k");

        assertThat(info.getWrites(0).getShortValue().isEmpty()).isTrue();
        assertThat(info.getValuesList()).hasSize(1);
        assertThat(info.getValues(0).getStartTs()).isEqualTo(5);
        assertThat(info.getValues(0).getValue().toStringUtf8()).isEqualTo(value);
        db.wrote("short", value.substring(1), 5, 10);
        assertThat(db.records("short").getValuesList()).isEmpty();
    }

    @Test
    void m02ATransactionsRecords() {
        db.prewrite(put("k", "v")).at(20).ok();
        db.rolledBack(30, "j");

        MvccGetByStartTsResponse uncommitted = db.recordsOf(20);
        assertThat(uncommitted.getKey().isEmpty()).isTrue();
        assertThat(uncommitted.getInfo()).isEqualTo(MvccInfo.getDefaultInstance());

        MvccGetByStartTsResponse rolledBack = db.recordsOf(30);
        assertThat(rolledBack.getKey().toStringUtf8()).isEqualTo("j");
        assertThat(rolledBack.getInfo()).isEqualTo(db.records("j"));
        assertThat(rolledBack.getInfo().getWrites(0).getType()).isEqualTo(Op.Rollback);
    }
}
