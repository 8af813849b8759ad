/**
 * The raw API: plain keys and values, with a time to live where the store has it.
 *
 * <p>Rule: knows the raw value format and the raw API's limits and error texts; replicates nothing itself. Reads run on the
 * threads of {@link io.rutile.storage.command.ReadPool}; writes are handed to
 * {@link io.rutile.storage.command.CommandScheduler} on the caller's thread.
 */
@NullMarked
package io.rutile.storage.raw;

import org.jspecify.annotations.NullMarked;
