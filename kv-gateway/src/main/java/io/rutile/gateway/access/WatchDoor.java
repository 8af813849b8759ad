package io.rutile.gateway.access;

import io.rutile.client.feed.FeedPosition;
import io.rutile.gateway.kv.Watch;
import io.rutile.gateway.kv.Watches;
import io.rutile.protocol.KeyRange;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Watches in the name of one caller, who has to be allowed to read every key of the range: a change tells its value. Asked again before
 * each answer, for a watch may outlive a token.
 */
public final class WatchDoor {

    private final Watches watches;
    private final CallAccess access;

    WatchDoor(Watches watches, CallAccess access) {
        this.watches = watches;
        this.access = access;
    }

    /** @see Watches#watch */
    public CompletableFuture<Watch> watch(KeyRange range, @Nullable FeedPosition from) {
        return GuardedKv.asked(
                () -> access.require(Permission.READ, Api.TXN, range),
                () -> watches.watch(
                        range, from, access.caller(), access.caller().quota(), access::requireStillValid));
    }
}
