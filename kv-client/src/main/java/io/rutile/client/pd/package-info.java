/**
 * The way to the Placement Driver: finds its leader, follows it when it moves, answers questions about Regions and stores,
 * hands out timestamps.
 *
 * <p>Rule: knows no Region cache and no store. KV nodes use this room too.
 *
 * <p>Threads: gRPC's executor completes futures; nothing here blocks but {@link io.rutile.client.pd.PdClient#connect}.
 */
@NullMarked
package io.rutile.client.pd;

import org.jspecify.annotations.NullMarked;
