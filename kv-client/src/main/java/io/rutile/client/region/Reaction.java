package io.rutile.client.region;

import io.rutile.client.region.Backoff.Reason;
import io.rutile.protocol.errorpb.Error;
import java.util.Locale;

/** What each Region error asks a client to do: the table of the protocol, in one place. */
enum Reaction {
    /** Another peer leads, or an election is on. */
    FOLLOW_LEADER(Reason.NOT_LEADER),
    /** The error says what the Region is now. */
    TAKE_NEW_REGIONS(Reason.REGION_CHANGED),
    /** What we believe about the Region is wrong; PD knows better. */
    FORGET_REGION(Reason.REGION_CHANGED),
    /** Another store lives at that address now. */
    FORGET_STORE(Reason.STORE_UNREACHABLE),
    /** Same peer, later: it asked for a pause. */
    SLOW_DOWN(Reason.BUSY),
    /** Same peer, later: it is not ready. */
    WAIT(Reason.NOT_READY),
    /** Its deadline passed at the store, and not every store can tell whether that was before or after it took effect. */
    CAME_TOO_LATE(Reason.BUSY),
    /** The term changed while the request was under way; what became of it is not known. */
    LOST_IN_TERM_CHANGE(Reason.NOT_LEADER),
    /** One entry is more than the store takes. */
    TOO_LARGE(Reason.NOT_READY),
    /** No space left there. */
    DISK_FULL(Reason.NOT_READY),
    /** The store itself does not know whether it took effect: never repeated. */
    UNDETERMINED(Reason.NOT_READY),
    /** Nothing that waiting would cure. */
    REFUSE(Reason.NOT_READY);

    /** Which curve a wait for this follows. */
    final Reason reason;

    Reaction(Reason reason) {
        this.reason = reason;
    }

    /** The protocol has no field for it, only these words. */
    private static boolean saysTooLate(Error error) {
        return error.getServerIsBusy().getReason().toLowerCase(Locale.ROOT).contains("deadline is exceeded");
    }

    static Reaction to(Error error) {
        if (error.hasNotLeader()) {
            return FOLLOW_LEADER;
        }
        if (error.hasEpochNotMatch()) {
            return TAKE_NEW_REGIONS;
        }
        if (error.hasServerIsBusy()) {
            return saysTooLate(error) ? CAME_TOO_LATE : SLOW_DOWN;
        }
        if (error.hasStaleCommand()) {
            return LOST_IN_TERM_CHANGE;
        }
        if (error.hasStoreNotMatch()) {
            return FORGET_STORE;
        }
        if (error.hasRaftEntryTooLarge()) {
            return TOO_LARGE;
        }
        if (error.hasDiskFull()) {
            return DISK_FULL;
        }
        if (error.hasUndeterminedResult()) {
            return UNDETERMINED;
        }
        if (error.hasFlashbackInProgress() || error.hasFlashbackNotPrepared()) {
            return REFUSE;
        }
        if (error.hasMaxTimestampNotSynced()
                || error.hasReadIndexNotReady()
                || error.hasProposalInMergingMode()
                || error.hasDataIsNotReady()
                || error.hasRegionNotInitialized()
                || error.hasRecoveryInProgress()) {
            return WAIT;
        }
        // RegionNotFound, KeyNotInRegion, MismatchPeerId, IsWitness, BucketVersionNotMatch, and what newer stores may
        // say.
        return FORGET_REGION;
    }
}
