package io.rutile.client.rpc;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Which of several connections to one server a request goes over: the first that has room, so that few callers share frames instead of
 * spreading over connections; all of them in turn when each is busy.
 *
 * <p>Threads: any.
 */
public final class StreamChoice {

    private final List<CommandStream> streams;
    private final AtomicInteger turn = new AtomicInteger();

    /** @param streams one for each connection; at least one */
    public StreamChoice(List<CommandStream> streams) {
        this.streams = List.copyOf(streams);
    }

    /** Position of the stream in the list. */
    public int next() {
        for (int i = 0; i < streams.size(); i++) {
            if (streams.get(i).hasRoom()) {
                return i;
            }
        }
        return Math.floorMod(turn.getAndIncrement(), streams.size());
    }
}
