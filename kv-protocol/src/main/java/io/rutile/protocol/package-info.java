/**
 * What both ends of the wire must agree on: generated messages (sub-packages), key encodings, Region borders, timestamps,
 * typed Region errors and limits.
 *
 * <p>Rule: values only. No thread, no I/O, no state; everything here is immutable and safe to share.
 */
@NullMarked
package io.rutile.protocol;

import org.jspecify.annotations.NullMarked;
