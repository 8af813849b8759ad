package io.rutile.pd.schedule.scheduler;

import java.util.HashMap;
import java.util.Map;

/**
 * Stores that could not be helped are left alone for a while, longer each time, so that they don't keep a round from helping
 * others; what stood in the way is remembered, so that it can be said in the meantime.
 */
final class Rests {

    private static final int ROUNDS_MAX = 64;

    private final Map<Long, Rest> byStore = new HashMap<>();
    private long round;

    private record Rest(long until, int rounds, boolean hindered, String words) {}

    void nextRound() {
        round++;
        byStore.values().removeIf(rest -> round > rest.until() + ROUNDS_MAX);
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
        int rounds = before == null ? 1 : Math.min(ROUNDS_MAX, before.rounds() * 2);
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
