/**
 * The REST edge: HTTP in, one call of {@link io.rutile.gateway.kv.KvOperations}, HTTP out.
 *
 * <p>Rule: no thread waits here. {@link io.rutile.gateway.rest.AdmissionFilter} collects bodies without a thread, controllers return
 * futures, {@link io.rutile.gateway.rest.ResponseStream} writes what a client may read slowly. Whatever goes wrong is a {@link
 * io.rutile.gateway.rest.Problem} (RFC 9457), and {@link io.rutile.gateway.rest.Problems} is the only place that makes one from a
 * failure, in the words of {@link io.rutile.gateway.kv.Failures}. Keys and values appear in no log and in no metric (E3).
 *
 * <p>Threads: the servlet container's, for short steps only; futures are completed by the client's threads, which hand over to the
 * container.
 */
@NullMarked
package io.rutile.gateway.rest;

import org.jspecify.annotations.NullMarked;
