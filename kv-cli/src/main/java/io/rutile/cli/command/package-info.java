/**
 * One class per sub-command of {@code rutile}, named after it.
 *
 * <p>Rule: results to standard output, everything else to standard error; a failure is one clear sentence and exit code 1. Commands run on
 * the main thread; keys and values are read and written with bounded memory.
 */
@NullMarked
package io.rutile.cli.command;

import org.jspecify.annotations.NullMarked;
