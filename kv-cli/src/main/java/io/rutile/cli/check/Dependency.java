package io.rutile.cli.check;

import java.util.Locale;

/**
 * One transaction must come before another because of a key.
 *
 * @param from index of the transaction that comes first
 * @param to index of the other
 * @param seen the version that shows it: what {@code to} followed or read, or, for RW, what {@code from} read last
 */
record Dependency(int from, int to, Kind kind, String key, String seen) {

    /** What the second did to the version of the first. */
    enum Kind {
        /** Wrote the next one. */
        WW,
        /** Read it. */
        WR,
        /** Wrote the next one after the version that the first read: an anti-dependency. */
        RW
    }

    String label() {
        return kind.name().toLowerCase(Locale.ROOT) + " " + key + " at " + seen;
    }
}
