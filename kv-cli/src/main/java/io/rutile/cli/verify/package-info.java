/**
 * Whole proofs of transactions: workloads side by side on a cluster of processes, under a nemesis, and what the checkers say of their
 * histories.
 *
 * <p>Rule: sequences what {@code workload}, {@code fault} and {@code check} do, and does none of it. Runs in the caller's thread; clients
 * and nemesis have threads of their own.
 */
@NullMarked
package io.rutile.cli.verify;

import org.jspecify.annotations.NullMarked;
