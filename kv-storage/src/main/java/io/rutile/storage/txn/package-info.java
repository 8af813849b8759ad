/** Percolator, one RPC one small command. Empty until the store serves transactions. */
@NullMarked
package io.rutile.storage.txn;

import org.jspecify.annotations.NullMarked;
