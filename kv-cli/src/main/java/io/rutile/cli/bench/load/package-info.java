/**
 * Load: what a client does ({@link io.rutile.cli.bench.load.Workload}), on which keys ({@link io.rutile.cli.bench.load.Distribution}),
 * when ({@link io.rutile.cli.bench.load.Pace}), and what came of it ({@link io.rutile.cli.bench.load.Figures}).
 *
 * <p>Rule: knows no system but through {@link io.rutile.cli.bench.load.Subject}. Everything random follows from a seed. One thread a
 * client, each with figures of its own; nothing is dropped: an operation ends as a latency or as an error of a kind.
 */
@NullMarked
package io.rutile.cli.bench.load;

import org.jspecify.annotations.NullMarked;
