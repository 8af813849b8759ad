/**
 * Which requests are traced, and how a trace goes from process to process. Below every room: knows no message and no key.
 *
 * <p>A request is traced if its caller says so, or if the edge where it comes in picks it; everybody behind goes on with what was decided
 * there. Whoever is not traced is handed {@code null}, and makes nothing.
 *
 * <p>Threads: none of its own; everything may be called from any.
 */
@NullMarked
package io.rutile.trace;

import org.jspecify.annotations.NullMarked;
