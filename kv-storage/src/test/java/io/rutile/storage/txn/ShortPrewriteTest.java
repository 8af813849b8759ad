package io.rutile.storage.txn;

import static io.rutile.storage.txn.TxnWords.put;
import static io.rutile.storage.txn.TxnWords.utf8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.kvrpcpb.PrewriteRequest;
import io.rutile.protocol.kvrpcpb.PrewriteResponse;
import io.rutile.storage.command.CommandResult;
import io.rutile.storage.command.ConcurrencyManager;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.EngineSnapshot;
import io.rutile.storage.engine.KvCursor;
import io.rutile.storage.engine.KvSnapshot;
import io.rutile.storage.engine.NotCachedException;
import io.rutile.storage.engine.RocksEngine;
import io.rutile.storage.engine.RocksOptions;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** P4: a prewrite that is tried without the disk, in vain, leaves nothing behind and chooses again. */
class ShortPrewriteTest {

    private static final long START_TS = 10;
    private static final long READ_MEANWHILE_TS = 50;

    @TempDir
    Path dir;

    private final ConcurrencyManager concurrency = ConcurrencyManager.unlimited();

    private Prewrite prewrite(int keys, boolean onePc) {
        PrewriteRequest.Builder request = PrewriteRequest.newBuilder()
                .setContext(TxnFixture.context())
                .setPrimaryLock(utf8("k0"))
                .setStartVersion(START_TS)
                .setLockTtl(3_000)
                .setTxnSize(keys)
                .setUseAsyncCommit(true)
                .setTryOnePc(onePc);
        for (int i = 0; i < keys; i++) {
            request.addMutations(put("k" + i, "v"));
            if (i > 0) {
                request.addSecondaries(utf8("k" + i));
            }
        }
        return new Prewrite(concurrency, request.build());
    }

    /** Has the lock of one key after another in memory, until it has those of so many. */
    private static final class HalfInMemory implements KvSnapshot {

        private final EngineSnapshot all;
        private int inMemory;

        HalfInMemory(EngineSnapshot all, int inMemory) {
            this.all = all;
            this.inMemory = inMemory;
        }

        @Override
        public long term() {
            return all.term();
        }

        @Override
        public boolean maxTsSynced() {
            return true;
        }

        @Override
        public KeyRange range() {
            return all.range();
        }

        @Override
        public byte @Nullable [] get(Cf cf, ByteKey key) {
            if (cf == Cf.LOCK && inMemory-- == 0) {
                throw new NotCachedException();
            }
            return all.get(cf, key);
        }

        @Override
        public KvCursor cursor(Cf cf, KeyRange bounds) {
            return all.cursor(cf, bounds);
        }

        @Override
        public void close() {}
    }

    private void choosesAgain(boolean onePc) throws IOException {
        try (RocksEngine engine = RocksEngine.open(dir, RocksOptions.withMemory(16 << 20));
                EngineSnapshot snapshot = engine.snapshot()) {
            Prewrite prewrite = prewrite(2, onePc);
            assertThat(prewrite.isShort()).isTrue();

            assertThatThrownBy(() -> prewrite.process(new HalfInMemory(snapshot, 1)))
                    .isInstanceOf(NotCachedException.class);
            assertThat(concurrency.lockCount()).as("locks left in memory").isZero();

            concurrency.raise(READ_MEANWHILE_TS);
            CommandResult<PrewriteResponse> second = prewrite.process(new HalfInMemory(snapshot, 2));

            assertThat(second.answer().getErrorsList()).isEmpty();
            assertThat(
                            onePc
                                    ? second.answer().getOnePcCommitTs()
                                    : second.answer().getMinCommitTs())
                    .isGreaterThan(READ_MEANWHILE_TS);
            assertThat(concurrency.lockCount()).isEqualTo(2);
            prewrite.settled(true);
            assertThat(concurrency.lockCount()).isZero();
        }
    }

    @Test
    void p4_asyncCommitChoosesAgain() throws IOException {
        choosesAgain(false);
    }

    @Test
    void p4_onePhaseCommitChoosesAgain() throws IOException {
        choosesAgain(true);
    }

    @Test
    void aLargeOneIsLeftToThreadsThatMayWait() {
        assertThat(prewrite(TxnCommand.KEYS_FEW, false).isShort()).isTrue();
        assertThat(prewrite(TxnCommand.KEYS_FEW + 1, false).isShort()).isFalse();
    }
}
