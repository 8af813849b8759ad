package io.rutile.storage.txn;

import static io.rutile.storage.StoreFixture.await;
import static io.rutile.storage.txn.TxnWords.mutation;
import static io.rutile.storage.txn.TxnWords.only;
import static io.rutile.storage.txn.TxnWords.utf8;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.protocol.kvrpcpb.Assertion;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.Op;
import io.rutile.protocol.kvrpcpb.PessimisticLockKeyResult;
import io.rutile.protocol.kvrpcpb.PessimisticLockRequest;
import io.rutile.protocol.kvrpcpb.PessimisticLockResponse;
import io.rutile.protocol.kvrpcpb.PessimisticLockWakeUpMode;
import java.util.concurrent.CompletableFuture;

/** A pessimistic lock request in the making. Unless said otherwise its primary is its first key, its ttl 3 s, and it does not wait. */
final class LockCall {

    private final TxnFixture db;
    private final PessimisticLockRequest.Builder request;

    LockCall(TxnFixture db, String... keys) {
        this.db = db;
        this.request = PessimisticLockRequest.newBuilder()
                .setContext(TxnFixture.context())
                .setPrimaryLock(utf8(keys[0]))
                .setLockTtl(PrewriteCall.TTL_MS)
                .setWaitTimeout(-1);
        for (String key : keys) {
            request.addMutations(mutation(Op.PessimisticLock, key));
        }
    }

    LockCall at(long startTs, long forUpdateTs) {
        request.setStartVersion(startTs).setForUpdateTs(forUpdateTs);
        return this;
    }

    LockCall primary(String key) {
        request.setPrimaryLock(utf8(key));
        return this;
    }

    LockCall ttl(long ttlMs) {
        request.setLockTtl(ttlMs);
        return this;
    }

    LockCall minCommit(long minCommitTs) {
        request.setMinCommitTs(minCommitTs);
        return this;
    }

    /** @param timeoutMs 0 for as long as the server lets wait */
    LockCall waiting(long timeoutMs) {
        request.setWaitTimeout(timeoutMs);
        return this;
    }

    LockCall returnValues() {
        request.setReturnValues(true);
        return this;
    }

    LockCall checkExistence() {
        request.setCheckExistence(true);
        return this;
    }

    LockCall onlyIfExists() {
        request.setLockOnlyIfExists(true);
        return this;
    }

    LockCall notExists() {
        request.getMutationsBuilderList().forEach(mutation -> mutation.setAssertion(Assertion.NotExist));
        return this;
    }

    LockCall force() {
        request.setWakeUpMode(PessimisticLockWakeUpMode.WakeUpModeForceLock);
        return this;
    }

    CompletableFuture<PessimisticLockResponse> send() {
        PessimisticLockRequest built = request.build();
        return db.storage.kvPessimisticLock(TxnFixture.ctx(built.getContext()), built);
    }

    PessimisticLockResponse run() {
        return await(send());
    }

    /** Must succeed. */
    PessimisticLockResponse ok() {
        PessimisticLockResponse response = run();
        assertThat(response.getErrorsList()).isEmpty();
        return response;
    }

    /** Must succeed with one result, that of a force lock. */
    PessimisticLockKeyResult result() {
        PessimisticLockResponse response = ok();
        assertThat(response.getResultsList()).hasSize(1);
        return response.getResults(0);
    }

    /** Must fail, with this one error, and answer no value. */
    KeyError error() {
        PessimisticLockResponse response = run();
        assertThat(response.getValuesList()).isEmpty();
        assertThat(response.getNotFoundsList()).isEmpty();
        return only(response.getErrorsList());
    }
}
