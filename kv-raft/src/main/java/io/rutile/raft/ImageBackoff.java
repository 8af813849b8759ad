package io.rutile.raft;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.DoubleSupplier;

/**
 * How long a replica that has just refused an image waits for the next one. Making one reads a whole Region, and what it was refused
 * for is seldom over in a moment. The pause doubles with every refusal in a row; a part of it is drawn, so that the Regions of a store
 * don't come back all at once.
 *
 * <p>One for each group; safe from any thread. Remembers no more than the group's members.
 */
final class ImageBackoff {

    static final long PAUSE_MS_MIN = 200;
    static final long PAUSE_MS_MAX = 10_000;

    private static final int DOUBLINGS_MAX = 16;

    private final DoubleSupplier random;
    private final Map<Replica, Integer> refusals = new ConcurrentHashMap<>();

    /** @param random from 0 to 1 */
    ImageBackoff(DoubleSupplier random) {
        this.random = random;
    }

    /** @return milliseconds until it is offered the next one: between half and all of the pause that it is at */
    long refusedBy(Replica replica) {
        int before = refusals.merge(replica, 1, Integer::sum) - 1;
        long pauseMs = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN << Math.min(before, DOUBLINGS_MAX));
        return pauseMs / 2 + (long) (random.getAsDouble() * (pauseMs / 2));
    }

    /** The next refusal is a first one again. */
    void takenBy(Replica replica) {
        refusals.remove(replica);
    }

    /** Another leader remembers for itself. */
    void clear() {
        refusals.clear();
    }
}
