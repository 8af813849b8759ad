/**
 * The HTTP side of the client port: {@link io.rutile.pd.http.PdApi} is the table of routes below {@code /pd/api/v1}, in the words
 * and JSON that tools of the field expect (docs/operations/pd-http-api.md).
 *
 * <p>Rule: one route, one small command; commands read the term's soft view and propose records, they decide nothing that
 * another room does not. Everything that comes in is bounded in size, number and time (E1).
 *
 * <p>Threads: connections on the door's event loops, which never wait; commands on {@code pd-http}.
 */
@NullMarked
package io.rutile.pd.http;

import org.jspecify.annotations.NullMarked;
