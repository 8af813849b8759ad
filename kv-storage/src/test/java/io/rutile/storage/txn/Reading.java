package io.rutile.storage.txn;

import static io.rutile.storage.StoreFixture.await;
import static io.rutile.storage.txn.TxnWords.locked;
import static io.rutile.storage.txn.TxnWords.utf8;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import io.rutile.protocol.kvrpcpb.BatchGetRequest;
import io.rutile.protocol.kvrpcpb.BatchGetResponse;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.GetRequest;
import io.rutile.protocol.kvrpcpb.GetResponse;
import io.rutile.protocol.kvrpcpb.IsolationLevel;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.ScanRequest;
import io.rutile.protocol.kvrpcpb.ScanResponse;
import io.rutile.storage.engine.KvContext;
import java.util.Arrays;

/** Reads at one version. */
final class Reading {

    private final TxnFixture db;
    private final long version;
    private final Context.Builder context = TxnFixture.context().toBuilder();
    private boolean needCommitTs;
    private boolean keyOnly;
    private int sampleStep;

    Reading(TxnFixture db, long version) {
        this.db = db;
        this.version = version;
    }

    Reading resolved(long startTs) {
        context.addResolvedLocks(startTs);
        return this;
    }

    Reading committed(long startTs) {
        context.addCommittedLocks(startTs);
        return this;
    }

    Reading isolation(IsolationLevel level) {
        context.setIsolationLevel(level);
        return this;
    }

    /** Without a word to a leader. */
    Reading stale() {
        context.setStaleRead(true);
        return this;
    }

    Reading needCommitTs() {
        needCommitTs = true;
        return this;
    }

    Reading keyOnly() {
        keyOnly = true;
        return this;
    }

    Reading sampleStep(int step) {
        sampleStep = step;
        return this;
    }

    GetResponse get(String key) {
        GetRequest request = GetRequest.newBuilder()
                .setContext(context)
                .setKey(utf8(key))
                .setVersion(version)
                .setNeedCommitTs(needCommitTs)
                .build();
        return await(db.storage.kvGet(ctx(), request));
    }

    /** The value, {@code not_found}, or {@code locked@10}. */
    String value(String key) {
        GetResponse response = get(key);
        if (response.hasError()) {
            assertThat(response.getValue().isEmpty() && !response.getNotFound())
                    .as("%s", response)
                    .isTrue();
            long holder = response.getError().getLocked().getLockVersion();
            locked(response.getError(), key, holder);
            return "locked@" + Long.toUnsignedString(holder);
        }
        return response.getNotFound() ? "not_found" : response.getValue().toStringUtf8();
    }

    /** Must fail. */
    KeyError error(String key) {
        GetResponse response = get(key);
        assertThat(response.hasError()).as("%s", response).isTrue();
        return response.getError();
    }

    BatchGetResponse batchGet(String... keys) {
        BatchGetRequest request = BatchGetRequest.newBuilder()
                .setContext(context)
                .addAllKeys(Arrays.stream(keys).map(TxnWords::utf8).toList())
                .setVersion(version)
                .setNeedCommitTs(needCommitTs)
                .build();
        return await(db.storage.kvBatchGet(ctx(), request));
    }

    ScanResponse scan(String start, String end, int limit) {
        return scan(start, end, limit, false);
    }

    /** Down from {@code start} (exclusive) to {@code end} (inclusive). */
    ScanResponse reverseScan(String start, String end, int limit) {
        return scan(start, end, limit, true);
    }

    private ScanResponse scan(String start, String end, int limit, boolean reverse) {
        ScanRequest request = ScanRequest.newBuilder()
                .setContext(context)
                .setStartKey(utf8(start))
                .setEndKey(utf8(end))
                .setLimit(limit)
                .setVersion(version)
                .setReverse(reverse)
                .setKeyOnly(keyOnly)
                .setSampleStep(sampleStep)
                .build();
        return scanned(await(db.storage.kvScan(ctx(), request)));
    }

    /** What a client reads out of a scan's answer. */
    static ScanResponse scanned(Message answer) {
        try {
            return ScanResponse.parseFrom(answer.toByteString());
        } catch (InvalidProtocolBufferException e) {
            throw new AssertionError(e);
        }
    }

    private KvContext ctx() {
        return TxnFixture.ctx(context.build());
    }
}
