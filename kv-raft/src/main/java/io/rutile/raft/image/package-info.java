/**
 * Images of a group's state on their way from the leader's store to one that can't be served from the log. An image is offered
 * by a token, made when it is asked for, streamed file by file with checksums on a connection of its own, and deleted again on
 * both sides.
 *
 * <p>Rule: files are opaque; their names never leave their directory. Everything is bounded: images at once, files, bytes, rate,
 * and the time without progress.
 *
 * <p>Threads: a small pool of its own; each image occupies one of its threads on either side.
 */
@NullMarked
package io.rutile.raft.image;

import org.jspecify.annotations.NullMarked;
