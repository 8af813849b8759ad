/**
 * Who calls, and what they may touch: the one door between the edges and {@code kv}. {@link
 * io.rutile.gateway.access.Authenticator} turns what a caller shows into a {@link io.rutile.gateway.access.CallAccess}, {@link
 * io.rutile.gateway.access.Permissions} decides, {@link io.rutile.gateway.access.FrontDoor} gives out operations that ask it before they
 * forward. An edge has no other way to data.
 *
 * <p>Rule: no Spring, no HTTP server, no gRPC. Nothing here blocks a caller's thread: files and keys of issuers are read by {@code
 * gateway-access}. Neither keys of users nor tokens appear in a log or a metric (E3).
 */
@NullMarked
package io.rutile.gateway.access;

import org.jspecify.annotations.NullMarked;
