package io.rutile.cli.bench.load;

import java.util.SplittableRandom;

/** Which key is next: its index in the {@link KeySpace}. Safe from any thread; each brings its own random. */
@FunctionalInterface
public interface KeyChoice {
    long next(SplittableRandom random);
}
