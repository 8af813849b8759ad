/** Removes old versions of transactional data, when there is any: follows PD's GC safe point, Region by Region. Empty so far. */
@NullMarked
package io.rutile.node.gc;

import org.jspecify.annotations.NullMarked;
