package io.rutile.cli.bench.load;

/** When operations begin. One for all clients of a run; safe from any thread. */
interface Pace {

    /** No more of them. */
    long END = Long.MIN_VALUE;

    /**
     * Waits until the caller's next operation is due.
     *
     * @return when it was meant to begin, from which its latency counts; {@link #END} if the run is over
     */
    long next() throws InterruptedException;

    /** Operations that were due and never began. */
    long unsent();
}
