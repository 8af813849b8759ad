package io.rutile.storage.txn;

import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.storage.command.ApiVersion;
import io.rutile.storage.command.Command;
import io.rutile.storage.command.CommandResult;
import io.rutile.storage.command.CommandScheduler;
import io.rutile.storage.command.ConcurrencyManager;
import io.rutile.storage.command.LatchSet;
import io.rutile.storage.command.LockWaitQueue;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.KvSnapshot;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** Runs transactional commands: refuses those of another API version, and tells who waits for a lock when it is gone. */
public final class TxnScheduler {

    private final CommandScheduler scheduler;
    private final ConcurrencyManager concurrency;
    private final LockWaitQueue waits;
    private final ApiVersion apiVersion;

    public TxnScheduler(
            CommandScheduler scheduler, ConcurrencyManager concurrency, LockWaitQueue waits, ApiVersion apiVersion) {
        this.scheduler = scheduler;
        this.concurrency = concurrency;
        this.waits = waits;
        this.apiVersion = apiVersion;
    }

    public <R> CompletableFuture<R> run(KvContext ctx, TxnCommand<R> command) {
        Optional<KeyError> refusal = apiVersion.refusalOfTxn(ctx.request(), command.keys());
        if (refusal.isPresent()) {
            return CompletableFuture.completedFuture(command.refused(refusal.get()));
        }
        command.announce(concurrency);
        return runOwn(command.choosesCommitTs() ? ctx.choosingCommitTs() : ctx, command);
    }

    /** The same for what the store does on its own account, whatever its API version. */
    <R> CompletableFuture<R> runOwn(KvContext ctx, TxnCommand<R> command) {
        return scheduler.run(ctx, new Telling<>(command, waits));
    }

    /** A command whose released locks are told while its latches are still held. */
    private record Telling<R>(TxnCommand<R> command, LockWaitQueue waits) implements Command<R> {

        @Override
        public LatchSet latches() {
            return command.latches();
        }

        @Override
        public long writeBytesMax() {
            return command.writeBytesMax();
        }

        @Override
        public boolean replayable() {
            return command.replayable();
        }

        @Override
        public CommandResult<R> process(KvSnapshot snapshot) {
            return command.process(snapshot);
        }

        @Override
        public void settled(boolean written) {
            command.settled(written);
            if (written) {
                waits.released(command.released());
            }
        }
    }
}
