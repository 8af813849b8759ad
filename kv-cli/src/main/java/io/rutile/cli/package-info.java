/**
 * The {@code rutile} command: {@link io.rutile.cli.Rutile} is its root, {@code command} holds one class per sub-command, {@code
 * cluster} runs a local cluster of real processes, {@code bench} measures one, {@code verify} proves transactions on one with {@code
 * workload}, {@code fault} and {@code check}.
 *
 * <p>Rule: {@code command, bench → cluster} and {@code command → verify → workload, fault, check}; a command parses, calls and prints,
 * and decides nothing about processes or data. Everything runs on the main thread, except shutdown hooks, the workers of the benchmark
 * and of workloads, and the nemesis.
 */
@NullMarked
package io.rutile.cli;

import org.jspecify.annotations.NullMarked;
