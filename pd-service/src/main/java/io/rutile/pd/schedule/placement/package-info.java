/**
 * Where replicas and leaders may be: {@link io.rutile.pd.schedule.placement.StoreFilter} says why a store is passed over,
 * {@link io.rutile.pd.schedule.placement.Locations} how far stores are from each other, {@link
 * io.rutile.pd.schedule.placement.StoreChoice} picks one.
 *
 * <p>Rule: a store that is passed over is passed over by a filter, and the filter can say why. There is no other way to
 * exclude one.
 *
 * <p>Threads: everything here is a value or asks rooms that are safe from any thread.
 */
@NullMarked
package io.rutile.pd.schedule.placement;

import org.jspecify.annotations.NullMarked;
