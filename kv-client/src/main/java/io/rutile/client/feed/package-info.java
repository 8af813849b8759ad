/**
 * Change feeds: what is committed in a range of keys, each change once and in one order, from a position that can be kept as a text
 * and gone on from by anybody. {@code FeedPosition} is the promise, {@code ChangeFeed} keeps it, {@code ChangeBuffer} puts changes of
 * many Regions into order, {@code StoreStream} speaks to one store.
 *
 * <p>Rule: {@code feed → region}; keys are in wire form inside this room and in the application's form at its doors.
 *
 * <p>Threads: steps follow one another on gRPC's executor and on the client's timer, one at a time for each feed; nothing blocks.
 */
@NullMarked
package io.rutile.client.feed;

import org.jspecify.annotations.NullMarked;
