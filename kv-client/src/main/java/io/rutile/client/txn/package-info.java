/** Transactions: snapshot isolation by Percolator. Empty until the store serves them. */
@NullMarked
package io.rutile.client.txn;

import org.jspecify.annotations.NullMarked;
