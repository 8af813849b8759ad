package io.rutile.cli.bench.load;

/** The finalizer of MurmurHash3: a bijection of 64 bits, so no two numbers meet. */
final class Hash {

    private Hash() {}

    static long of(long number) {
        long hash = number;
        hash = (hash ^ hash >>> 33) * 0xff51afd7ed558ccdL;
        hash = (hash ^ hash >>> 33) * 0xc4ceb9fe1a85ec53L;
        return hash ^ hash >>> 33;
    }
}
