/**
 * The benchmark: a closed loop of clients ({@link io.rutile.cli.bench.ClosedLoop}) puts a {@link io.rutile.cli.bench.Workload} on a
 * {@link io.rutile.cli.bench.Subject}: a cluster through gRPC, the same through REST, and RocksDB alone as the floor under both.
 *
 * <p>Rule: all subjects of a run get the same keys, values, clients and durations, and errors are counted, never dropped. One thread per
 * client, each with a histogram of its own.
 */
@NullMarked
package io.rutile.cli.bench;

import org.jspecify.annotations.NullMarked;
