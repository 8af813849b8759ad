/**
 * The benchmark's commands: {@code bench} measures what it is told, {@code bench bars} what has a bar, {@code bench compare} two reports.
 *
 * <p>Rule: {@code bench → subject → load}. A run ({@link io.rutile.cli.bench.BenchRun}) is a list of cells, each a load on a subject; all
 * subjects get the same keys, values, clients and durations, cells are measured in turn and the turn is repeated, so that a machine that
 * changes its speed changes all of them. Errors are counted and shown, never dropped. One thread runs everything; the clients' threads are
 * the load's.
 */
@NullMarked
package io.rutile.cli.bench;

import org.jspecify.annotations.NullMarked;
