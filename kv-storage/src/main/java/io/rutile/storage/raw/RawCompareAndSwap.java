package io.rutile.storage.raw;

import io.rutile.protocol.ByteKey;
import io.rutile.storage.command.Command;
import io.rutile.storage.command.CommandResult;
import io.rutile.storage.command.CommandScheduler;
import io.rutile.storage.command.LatchSet;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.KvSnapshot;
import io.rutile.storage.engine.WriteBatch;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Compare-and-swap, linearizable whatever other writers do and whichever flag they set: it holds its key's latch alone from
 * before it reads until its write has taken effect, every other write of the key shares that latch, and the write fails if
 * leadership has changed since the read (P1, R7).
 *
 * <p>Its write is not replayable: a second one could overwrite what came after the first, so an unknown outcome is reported as
 * unknown.
 */
public final class RawCompareAndSwap {

    private final CommandScheduler scheduler;
    private final RawFormat format;

    public RawCompareAndSwap(CommandScheduler scheduler, RawFormat format) {
        this.scheduler = scheduler;
        this.format = format;
    }

    public CompletableFuture<RawCasResult> swap(KvContext ctx, String cfName, RawCasRequest request) {
        Cf cf = format.cf(ctx.request(), cfName);
        format.checkTtl(request.ttlSeconds());
        Swap swap = new Swap(format, ctx.request().getRegionId(), cf, format.storedAnew(request.key()), request);
        RawLimits.checkEntry(ctx, swap.writeBytesMax());
        return scheduler.run(ctx, swap);
    }

    private record Swap(RawFormat format, long regionId, Cf cf, ByteKey key, RawCasRequest request)
            implements Command<RawCasResult> {

        @Override
        public LatchSet latches() {
            return LatchSet.builder().exclusive(cf, key).sharedRange(regionId).build();
        }

        @Override
        public long writeBytesMax() {
            long valueBytes = request.value() == null ? 0 : request.value().length;
            return key.bytes().length + valueBytes + Long.BYTES;
        }

        @Override
        public boolean replayable() {
            return false;
        }

        @Override
        public CommandResult<RawCasResult> process(KvSnapshot snapshot) {
            long now = format.nowSeconds();
            byte @Nullable [] found = found(snapshot, now);
            boolean asExpected = request.previous() == null
                    ? found == null
                    : found != null && Arrays.equals(request.previous(), found);
            WriteBatch batch = new WriteBatch();
            if (asExpected) {
                change(batch, found, now);
            }
            return new CommandResult<>(batch, new RawCasResult(asExpected, found));
        }

        private byte @Nullable [] found(KvSnapshot snapshot, long now) {
            byte[] stored = snapshot.get(cf, key);
            if (stored == null) {
                return null;
            }
            RawValue value = format.decode(stored);
            return value.isExpired(now) ? null : value.value();
        }

        private void change(WriteBatch batch, byte @Nullable [] found, long now) {
            byte[] value = request.value();
            if (value != null) {
                batch.put(cf, key, format.encode(value, request.ttlSeconds(), now));
            } else if (found != null) {
                batch.delete(cf, key);
            }
        }
    }
}
