/** Multi-version records. Empty until the store serves transactions. */
@NullMarked
package io.rutile.storage.mvcc;

import org.jspecify.annotations.NullMarked;
