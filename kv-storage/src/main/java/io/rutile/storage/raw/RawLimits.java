package io.rutile.storage.raw;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.WireLimits;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.errorpb.RaftEntryTooLarge;
import io.rutile.storage.command.ApiVersion;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.WriteBatch;

/** What a raw request may carry (E1, R10); checked at the border, before anything is queued. */
final class RawLimits {

    private RawLimits() {}

    /** @throws RawFailure if the key is longer than the protocol allows */
    static void checkKey(ByteKey key, ApiVersion apiVersion) {
        int most = WireLimits.KEY_BYTES_MAX + (apiVersion == ApiVersion.V2 ? ApiVersion.PREFIX_BYTES : 0);
        if (key.bytes().length > most) {
            throw RawFailure.keyTooLong(key.bytes().length, most);
        }
    }

    /** @throws RegionException {@code RaftEntryTooLarge} */
    static void checkItems(KvContext ctx, int items, int itemsMax) {
        if (items > itemsMax) {
            throw new RegionException(Error.newBuilder()
                    .setMessage("a batch of " + items + " is larger than " + itemsMax)
                    .setRaftEntryTooLarge(RaftEntryTooLarge.newBuilder()
                            .setRegionId(ctx.request().getRegionId())
                            .setEntrySize(items))
                    .build());
        }
    }

    /** @throws RegionException {@code RaftEntryTooLarge} if keys and values together are larger than an entry may be */
    static void checkEntry(KvContext ctx, WriteBatch batch) {
        checkEntry(ctx, batch.sizeBytes());
    }

    static void checkEntry(KvContext ctx, long bytes) {
        if (bytes > WireLimits.ENTRY_BYTES_MAX) {
            throw RegionErrors.entryTooLarge(ctx.request().getRegionId(), bytes);
        }
    }
}
