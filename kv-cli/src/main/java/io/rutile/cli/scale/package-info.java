/**
 * What many Regions cost a store while nobody asks anything of them.
 *
 * <p>Rule: works on a cluster that was made for it, on this machine; looks at processes from outside; prints nothing.
 *
 * <p>Threads: the caller's.
 */
@NullMarked
package io.rutile.cli.scale;

import org.jspecify.annotations.NullMarked;
