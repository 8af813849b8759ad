/**
 * Timestamps: greater than every one that was handed out before, by any member (T1).
 *
 * <p>Rule: {@link io.rutile.pd.tso.TimestampOracle} is memory and never waits; {@link io.rutile.pd.tso.TsoWindow} makes the
 * time ahead of it durable before it is used. The clock is a constructor argument and is trusted with nothing but being
 * roughly right.
 *
 * <p>Threads: any; the oracle has no lock, the window a short one.
 */
@NullMarked
package io.rutile.pd.tso;

import org.jspecify.annotations.NullMarked;
