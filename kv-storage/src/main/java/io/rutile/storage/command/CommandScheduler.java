package io.rutile.storage.command;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.rutile.protocol.RegionErrors;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.KvSnapshot;
import io.rutile.storage.engine.ReplicatedKv;
import io.rutile.storage.engine.WriteBatch;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Sequences what changes data: budget, latches, for a command a read and its decision, the replicated write, and all given back.
 *
 * <p>Latches are held until the fate of the write is known: a command that came in between would decide on what was before it.
 * Blocks no thread: works on the caller's, the reader's and the replicator's in turn. Safe from every thread.
 */
public final class CommandScheduler {

    private final ReplicatedKv kv;
    private final Latches latches;
    private final ReadPool reads;
    private final ByteBudget pending;
    private final Counter refused;
    private final Timer latchWaits;

    /** @param pendingWriteBytesMax bytes of writes on their way; more are refused with {@code ServerIsBusy} (R10) */
    public CommandScheduler(
            ReplicatedKv kv, Latches latches, ReadPool reads, long pendingWriteBytesMax, MeterRegistry metrics) {
        this.kv = kv;
        this.latches = latches;
        this.reads = reads;
        this.pending = new ByteBudget(pendingWriteBytesMax);
        this.refused = Counter.builder("kv.command.writes.refused")
                .description("writes answered with ServerIsBusy because too many bytes or commands were pending")
                .register(metrics);
        this.latchWaits = Timer.builder("kv.command.latch.wait")
                .description("how long commands waited for latches that they did not get at once")
                .register(metrics);
        Gauge.builder("kv.command.writes.pending", pending, ByteBudget::taken)
                .baseUnit("bytes")
                .description("writes on their way")
                .register(metrics);
        Gauge.builder("kv.command.latch.waiters", latches, Latches::waiting)
                .description("commands that wait for a latch")
                .register(metrics);
    }

    /** Writes what was decided without looking. Its keys are shared with other such writes: the log orders them. */
    public CompletableFuture<Void> write(KvContext ctx, LatchSet wanted, WriteBatch batch) {
        return latched(ctx, wanted, batch.sizeBytes(), here -> kv.write(ctx, batch), written -> {});
    }

    /** Runs a command: reads, decides and writes with nobody in between (P1). */
    public <T> CompletableFuture<T> run(KvContext ctx, Command<T> command) {
        return latched(
                ctx,
                command.latches(),
                command.writeBytesMax(),
                here -> decide(ctx, command, here).thenCompose(this::write),
                command::settled);
    }

    /** @param here whether this is the thread of whoever asked, and not one that has just given a latch back */
    private <T> CompletableFuture<Decided<T>> decide(KvContext ctx, Command<T> command, boolean here) {
        Function<KvSnapshot, Decided<T>> process = snapshot -> {
            KvContext decided = ctx.decidedOn(snapshot);
            return new Decided<>(command.replayable() ? decided : decided.notReplayable(), command.process(snapshot));
        };
        return here && command.isShort() ? reads.readFew(ctx, process) : reads.read(ctx, process);
    }

    private <T> CompletableFuture<T> write(Decided<T> decided) {
        CommandResult<T> result = decided.result();
        if (result.batch().isEmpty()) {
            return CompletableFuture.completedFuture(result.answer());
        }
        return kv.write(decided.ctx(), result.batch()).thenApply(written -> result.answer());
    }

    @SuppressWarnings("FutureReturnValueIgnored") // the answer carries every outcome
    private <T> CompletableFuture<T> latched(
            KvContext ctx, LatchSet wanted, long bytes, Work<T> work, Consumer<Boolean> settled) {
        if (ctx.isExpired()) {
            return CompletableFuture.failedFuture(RegionErrors.deadlineExceeded());
        }
        if (!pending.tryTake(bytes)) {
            refused.increment();
            return CompletableFuture.failedFuture(RegionErrors.serverIsBusy("scheduler is busy", 0));
        }
        CompletableFuture<T> answer = new CompletableFuture<>();
        CompletableFuture<Latches.Held> turn = latches.acquire(wanted);
        long waitsSinceNanos = turn.isDone() ? 0 : System.nanoTime();
        turn.whenComplete((held, failure) -> {
            if (waitsSinceNanos != 0) {
                long waitedNanos = System.nanoTime() - waitsSinceNanos;
                latchWaits.record(waitedNanos, TimeUnit.NANOSECONDS);
                ctx.times().latched(waitedNanos);
            }
            if (failure != null) {
                refused.increment();
                pending.giveBack(bytes);
                answer.completeExceptionally(Failures.unwrap(failure));
                return;
            }
            start(ctx, work, waitsSinceNanos == 0).whenComplete((value, broken) -> {
                try {
                    settled.accept(broken == null);
                } finally {
                    held.release();
                    pending.giveBack(bytes);
                }
                if (broken != null) {
                    answer.completeExceptionally(Failures.unwrap(broken));
                } else {
                    answer.complete(value);
                }
            });
        });
        return answer;
    }

    private static <T> CompletableFuture<T> start(KvContext ctx, Work<T> work, boolean here) {
        if (ctx.isExpired()) {
            return CompletableFuture.failedFuture(RegionErrors.deadlineExceeded());
        }
        try {
            return work.start(here);
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    /** What is done under latches. */
    @FunctionalInterface
    private interface Work<T> {

        /** @param here on the thread of whoever asked for it */
        CompletableFuture<T> start(boolean here);
    }

    /** A result and the context that says which leadership it was decided under. */
    private record Decided<T>(KvContext ctx, CommandResult<T> result) {}
}
