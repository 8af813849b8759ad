package io.rutile.cli.verify;

import java.io.IOException;
import java.util.function.BooleanSupplier;

/** What happens to a cluster while the workloads of a {@link Verification} run; they end when it does. */
@FunctionalInterface
public interface Course {

    /**
     * Plays it.
     *
     * @param broken true as soon as a client has met what no store may answer: the rest needs no playing
     */
    void play(BooleanSupplier broken) throws IOException, InterruptedException;
}
