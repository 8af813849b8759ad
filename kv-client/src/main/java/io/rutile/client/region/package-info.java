/**
 * Finds the Region of a key, reaches its leader, and tries again by Region error, inside one deadline.
 *
 * <p>Rule: knows requests and Regions, not what the requests mean.
 */
@NullMarked
package io.rutile.client.region;

import org.jspecify.annotations.NullMarked;
