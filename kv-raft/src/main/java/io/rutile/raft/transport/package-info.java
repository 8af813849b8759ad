/**
 * How stores talk about Raft: one stream per ordered pair of stores carries the calls of all groups, named by a fixed table of
 * messages, between stores that have shown each other cluster, store and protocol version.
 *
 * <p>Rule: this room moves messages and keeps their order; it knows neither leaders nor logs. Nothing is deserialised that is
 * not in {@link io.rutile.raft.transport.MessageTypes}.
 *
 * <p>Threads: calls are sent from any thread and never block. Answers and inbound calls are handed over on the pool that the
 * transport was given, never on a network thread. One timer ends calls that nobody answers.
 */
@NullMarked
package io.rutile.raft.transport;

import org.jspecify.annotations.NullMarked;
