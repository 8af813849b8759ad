package io.rutile.storage.txn;

import io.rutile.protocol.KeyRange;
import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.kvrpcpb.DeleteRangeRequest;
import io.rutile.protocol.kvrpcpb.DeleteRangeResponse;
import io.rutile.storage.command.CommandScheduler;
import io.rutile.storage.command.LatchSet;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.WriteBatch;
import io.rutile.storage.mvcc.MvccKey;
import java.util.concurrent.CompletableFuture;

/**
 * KvDeleteRange: locks, records and values of a range go for good, for readers at every version. The range is not clipped: an end
 * behind the Region's is an error, and the empty key is the first key there too, not "no end".
 */
public final class DeleteRange {

    private final CommandScheduler scheduler;

    public DeleteRange(CommandScheduler scheduler) {
        this.scheduler = scheduler;
    }

    public CompletableFuture<DeleteRangeResponse> delete(KvContext ctx, DeleteRangeRequest request) {
        KeyRange range = new KeyRange(
                MvccKey.of(request.getStartKey()).encoded(),
                MvccKey.of(request.getEndKey()).encoded());
        if (range.isEmpty()) {
            throw RegionErrors.message("delete range: the end is not behind the start");
        }
        if (request.getNotifyOnly()) {
            return CompletableFuture.completedFuture(DeleteRangeResponse.getDefaultInstance());
        }
        WriteBatch batch = new WriteBatch();
        for (Cf cf : new Cf[] {Cf.LOCK, Cf.WRITE, Cf.DEFAULT}) {
            batch.deleteRange(cf, range.start(), range.end());
        }
        // Whoever decides on a key of this Region must not be overtaken by its deletion.
        LatchSet latches =
                LatchSet.builder().exclusiveRange(ctx.request().getRegionId()).build();
        return scheduler.write(ctx, latches, batch).thenApply(done -> DeleteRangeResponse.getDefaultInstance());
    }
}
