package io.rutile.raft.disruptor;

/**
 * Takes the events of a ring, one at a time and in order.
 *
 * @param <T> the event
 */
@FunctionalInterface
public interface RingHandler<T> {

    /** @param endOfBatch whether no other event is there at this moment */
    void onEvent(T event, long sequence, boolean endOfBatch) throws Exception;
}
