/**
 * Whether a cluster is what it says it is: what nodes hold compared with each other, with the Regions' ranges, and with what PD knows.
 *
 * <p>Rule: asks PD and the nodes' management ports; changes nothing in the cluster but that its logs grow by two entries for each
 * Region and check; prints nothing.
 *
 * <p>Threads: the caller's; every call has a deadline.
 */
@NullMarked
package io.rutile.cli.consistency;

import org.jspecify.annotations.NullMarked;
