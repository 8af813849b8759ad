package io.rutile.gateway.access;

/**
 * Where a call comes from, for the audit log.
 *
 * @param door {@code rest}, {@code grpc} or {@code management}
 * @param peer address of the connection's other end: a load balancer's, if there is one
 * @param operation what is asked for, without keys and ids
 */
public record CallOrigin(String door, String peer, String operation) {}
