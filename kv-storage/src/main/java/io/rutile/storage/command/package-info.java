/**
 * What every command of a store goes through: the API version check, the bounded pool that reads, the latches that order commands
 * on the same keys, and the one place where a read, a decision and a write are sequenced.
 *
 * <p>Rule: knows keys and batches, not what they mean. Nothing here blocks a thread: latches and replicated writes are futures, and
 * only {@link io.rutile.storage.command.ReadPool} touches the disk.
 */
@NullMarked
package io.rutile.storage.command;

import org.jspecify.annotations.NullMarked;
