/**
 * What people ask the Placement Driver, and tell it, over its HTTP API.
 *
 * <p>Rule: knows the API and the sentences for what goes wrong; prints nothing.
 *
 * <p>Threads: the caller's; every call has a deadline.
 */
@NullMarked
package io.rutile.cli.placement;

import org.jspecify.annotations.NullMarked;
