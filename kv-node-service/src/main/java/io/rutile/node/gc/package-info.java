/**
 * Removes old versions of transactional data: follows PD's GC safe point over the Regions that this store leads (P7), and destroys
 * whole ranges of this store when it is told to. Threads: {@code gc-worker} makes the rounds and waits for what it hands to the
 * storage room; {@code range-destruction} deletes.
 */
@NullMarked
package io.rutile.node.gc;

import org.jspecify.annotations.NullMarked;
