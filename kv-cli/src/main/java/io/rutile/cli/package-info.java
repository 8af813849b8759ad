/**
 * The {@code rutile} command: {@link io.rutile.cli.Rutile} is its root, {@code command} holds one class per sub-command, {@code
 * cluster} runs a local cluster of real processes, {@code bench} measures one.
 *
 * <p>Rule: {@code command, bench → cluster}; a command parses, calls and prints, and decides nothing about processes or data.
 * Everything runs on the main thread, except the shutdown hook of {@code up} and the workers of the benchmark.
 */
@NullMarked
package io.rutile.cli;

import org.jspecify.annotations.NullMarked;
