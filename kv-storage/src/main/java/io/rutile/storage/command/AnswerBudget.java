package io.rutile.storage.command;

import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.WireLimits;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.errorpb.RaftEntryTooLarge;
import io.rutile.storage.engine.KvContext;

/**
 * How much one read may answer (R10), and that it still may.
 *
 * <p>A read that finds more is refused, never cut short: clients take a scan with fewer pairs than they asked for as the end of
 * the Region and go on behind it, so that a shortened answer would silently lose data. The error is {@code RaftEntryTooLarge}
 * because clients give up on it at once and pass its text on; an {@code error} in a pair they would read as a pair.
 */
public final class AnswerBudget {

    /** What a pair costs besides its bytes. */
    private static final int PAIR_BYTES = 64;

    /** A deadline is looked at after so many records. */
    private static final int DEADLINE_RECORDS = 256;

    private final KvContext ctx;
    private final long bytesMax;
    private long bytes;
    private int pairs;
    private int records;

    public AnswerBudget(KvContext ctx, long bytesMax) {
        this.ctx = ctx;
        this.bytesMax = bytesMax;
    }

    /** A record was looked at, whether or not it will be answered. */
    public void look() {
        if (++records % DEADLINE_RECORDS == 0 && ctx.isExpired()) {
            throw RegionErrors.deadlineExceeded();
        }
    }

    /**
     * A pair will be answered.
     *
     * @throws RegionException {@code RaftEntryTooLarge} if that makes the answer too large
     */
    public void take(int keyBytes, int valueBytes) {
        bytes += (long) keyBytes + valueBytes + PAIR_BYTES;
        pairs++;
        if (bytes > bytesMax) {
            throw tooLarge("more than " + bytesMax + " bytes");
        }
        if (pairs > WireLimits.SCAN_PAIRS_MAX) {
            throw tooLarge("more than " + WireLimits.SCAN_PAIRS_MAX + " pairs");
        }
    }

    private RegionException tooLarge(String what) {
        return new RegionException(Error.newBuilder()
                .setMessage("the answer would have " + what + ": ask for fewer pairs at a time")
                .setRaftEntryTooLarge(RaftEntryTooLarge.newBuilder()
                        .setRegionId(ctx.request().getRegionId())
                        .setEntrySize(bytes))
                .build());
    }
}
