package io.rutile.pd.schedule.scheduler;

import java.util.HashMap;
import java.util.Map;

/**
 * Stores that could not be helped are left alone for a while, longer each time, so that they don't keep a round from helping
 * others; what stood in the way is remembered, so that it can be said in the meantime.
 */
final class Rests {

    /** A small cluster's stores never rest longer than this: what was in the way may be gone with the next heartbeat. */
    private static final int ROUNDS_MIN = 4;

    private final Map<Long, Rest> byStore = new HashMap<>();
    private long round;
    private int roundsMax = ROUNDS_MIN;

    private record Rest(long until, int rounds, boolean hindered, String words) {}

    /**
     * One more round.
     *
     * @param stores that there are
     * @param triedMax of them that a round tries; a store rests at most until each of the others has had its turn twice
     */
    void nextRound(int stores, int triedMax) {
        round++;
        roundsMax = Math.max(ROUNDS_MIN, 2 * stores / triedMax);
        byStore.values().removeIf(rest -> round > rest.until() + roundsMax);
    }

    /** True if the store rests; the round is told why. */
    boolean isResting(long storeId, Round told) {
        Rest rest = byStore.get(storeId);
        if (rest == null || round >= rest.until()) {
            return false;
        }
        told.note(storeId, rest.words());
        return true;
    }

    /** @param hindered something stood in the way; false if there was nothing that would have been worth it */
    void rest(long storeId, boolean hindered, String words, Round told) {
        Rest before = byStore.get(storeId);
        int rounds = before == null ? 1 : Math.min(roundsMax, before.rounds() * 2);
        byStore.put(storeId, new Rest(round + rounds, rounds, hindered, words));
        told.note(storeId, words);
    }

    /** True if what is remembered of the store, resting or not, is that something stood in the way. */
    boolean isHindered(long storeId) {
        Rest rest = byStore.get(storeId);
        return rest != null && rest.hindered();
    }

    void wake(long storeId) {
        byStore.remove(storeId);
    }
}
