/**
 * The front door of a store's data: one short method per RPC.
 *
 * <p>Rule: {@link io.rutile.storage.Storage} only forwards. Order of rooms: {@code Storage → raw, txn → command, mvcc → engine}.
 */
@NullMarked
package io.rutile.storage;

import org.jspecify.annotations.NullMarked;
