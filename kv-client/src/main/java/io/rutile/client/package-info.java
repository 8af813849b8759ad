/**
 * A client of a Rutile (or TiKV) cluster: {@link io.rutile.client.RutileClient} opens it, {@code raw} and {@code txn} are what
 * an application uses, {@code region} finds and reaches Regions, {@code pd} asks the Placement Driver.
 *
 * <p>Rule: {@code raw, txn → region → pd}, never the other way.
 */
@NullMarked
package io.rutile.client;

import org.jspecify.annotations.NullMarked;
