/**
 * What the web console shows: its pages, which are files of the jar ({@link io.rutile.gateway.console.ConsolePages}), and pictures of the
 * cluster, made from answers of PD's HTTP API ({@link io.rutile.gateway.console.ClusterView}). Many viewers share one question to PD
 * ({@link io.rutile.gateway.console.PdAnswers}). Data of users is none of it: the console reads and writes that over the gateway's REST
 * API, in the name of whoever looks.
 *
 * <p>Rule: no Spring, no servlets, no gRPC; above {@code kv}, below the edges. Whether somebody may look is asked in front of it. Nothing
 * here blocks: answers are futures, completed by {@code gateway-console} (2 threads), which also reads PD's JSON.
 */
@NullMarked
package io.rutile.gateway.console;

import org.jspecify.annotations.NullMarked;
