package io.rutile.storage.txn;

import static io.rutile.storage.StoreFixture.await;
import static io.rutile.storage.txn.TxnWords.only;
import static io.rutile.storage.txn.TxnWords.utf8;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.protocol.kvrpcpb.AssertionLevel;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.Mutation;
import io.rutile.protocol.kvrpcpb.PrewriteRequest;
import io.rutile.protocol.kvrpcpb.PrewriteRequest.ForUpdateTSConstraint;
import io.rutile.protocol.kvrpcpb.PrewriteRequest.PessimisticAction;
import io.rutile.protocol.kvrpcpb.PrewriteResponse;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** A prewrite in the making. Unless said otherwise its primary is its first key, and its ttl 3 s. */
final class PrewriteCall {

    static final long TTL_MS = 3000;

    private final TxnFixture db;
    private final PrewriteRequest.Builder request;

    PrewriteCall(TxnFixture db, Mutation... mutations) {
        this.db = db;
        this.request = PrewriteRequest.newBuilder()
                .setContext(TxnFixture.context())
                .addAllMutations(List.of(mutations))
                .setPrimaryLock(mutations[0].getKey())
                .setLockTtl(TTL_MS)
                .setTxnSize(mutations.length);
    }

    PrewriteCall at(long startTs) {
        request.setStartVersion(startTs);
        return this;
    }

    PrewriteCall primary(String key) {
        request.setPrimaryLock(utf8(key));
        return this;
    }

    PrewriteCall ttl(long ttlMs) {
        request.setLockTtl(ttlMs);
        return this;
    }

    PrewriteCall minCommit(long minCommitTs) {
        request.setMinCommitTs(minCommitTs);
        return this;
    }

    PrewriteCall maxCommit(long maxCommitTs) {
        request.setMaxCommitTs(maxCommitTs);
        return this;
    }

    PrewriteCall async(String... secondaries) {
        request.setUseAsyncCommit(true);
        for (String key : secondaries) {
            request.addSecondaries(utf8(key));
        }
        return this;
    }

    PrewriteCall onePc() {
        request.setTryOnePc(true);
        return this;
    }

    PrewriteCall assertions(AssertionLevel level) {
        request.setAssertionLevel(level);
        return this;
    }

    PrewriteCall skippingConstraintCheck() {
        request.setSkipConstraintCheck(true);
        return this;
    }

    /** A pessimistic transaction's prewrite, one action for each mutation. */
    PrewriteCall pessimistic(long forUpdateTs, PessimisticAction... actions) {
        request.setForUpdateTs(forUpdateTs).addAllPessimisticActions(List.of(actions));
        return this;
    }

    PrewriteCall expectingForUpdateTs(int index, long forUpdateTs) {
        request.addForUpdateTsConstraints(
                ForUpdateTSConstraint.newBuilder().setIndex(index).setExpectedForUpdateTs(forUpdateTs));
        return this;
    }

    /** As a client marks what it sends again. */
    PrewriteCall again() {
        request.getContextBuilder().setIsRetryRequest(true);
        return this;
    }

    CompletableFuture<PrewriteResponse> send() {
        PrewriteRequest built = request.build();
        return db.storage.kvPrewrite(TxnFixture.ctx(built.getContext()), built);
    }

    PrewriteResponse run() {
        return await(send());
    }

    /** Must succeed. */
    PrewriteResponse ok() {
        PrewriteResponse response = run();
        assertThat(response.getErrorsList()).isEmpty();
        return response;
    }

    /** Must fail, with this one error, and promise no timestamp. */
    KeyError error() {
        PrewriteResponse response = run();
        assertThat(response.getMinCommitTs()).isZero();
        assertThat(response.getOnePcCommitTs()).isZero();
        return only(response.getErrorsList());
    }
}
