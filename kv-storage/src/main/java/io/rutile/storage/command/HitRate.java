package io.rutile.storage.command;

import java.util.concurrent.ThreadLocalRandom;

/**
 * Whether what is read lately is in memory: a sliding share of the last few dozen tries. An attempt in vain costs about as much as it saves
 * when it succeeds, so while most fail only a few are made, to notice when that changes.
 *
 * <p>Safe from any thread; updates may be lost, and only the order of magnitude matters.
 */
final class HitRate {

    private static final int ALL = 1 << 10;
    private static final int SHIFT = 4;
    private static final int TRIES_ANYWAY = 16;

    private volatile int score = ALL;

    boolean worthATry() {
        return score > ALL / 2 || ThreadLocalRandom.current().nextInt(TRIES_ANYWAY) == 0;
    }

    void hit() {
        int before = score;
        int after = before + (ALL - before >> SHIFT);
        if (after != before) {
            score = after;
        }
    }

    void miss() {
        score -= score >> SHIFT;
    }
}
