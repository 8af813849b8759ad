/**
 * Long runs with a bar of their own: what overload does to a cluster, and what an hour at 70 percent does.
 *
 * <p>Rule: {@code bench → stress → load, scale, cluster}. {@link io.rutile.cli.bench.stress.ProcessWatch} looks, the judgements are
 * functions of what it and the load have seen; nothing here starts a cluster or prints.
 *
 * <p>Threads: the caller's, and {@code process-watch}.
 */
@NullMarked
package io.rutile.cli.bench.stress;

import org.jspecify.annotations.NullMarked;
