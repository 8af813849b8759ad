/**
 * What secures connections: keys and certificates that are in use, and contexts over them that listeners and clients are made with once.
 * When keys are replaced, handshakes from then on use the new ones and open connections go on; what cannot be used is refused, and what was
 * there before stays.
 *
 * <p>Rule: plain Java below every other room but kv-protocol; it knows no message. Spring is in {@code io.rutile.tls.spring} alone.
 *
 * <p>Threads: any. Keys are replaced by whoever noticed, under one lock; handshakes read a volatile field.
 */
@NullMarked
package io.rutile.tls;

import org.jspecify.annotations.NullMarked;
