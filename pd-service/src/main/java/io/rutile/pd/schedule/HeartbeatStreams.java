package io.rutile.pd.schedule;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.protocol.pdpb.RegionHeartbeatResponse;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The open heartbeat stream of each store: the way by which commands reach Region leaders. Safe from any thread. */
public final class HeartbeatStreams {

    private final Map<Long, CommandSink> byStore = new ConcurrentHashMap<>();
    private final Counter dropped;

    /** One stream's sending side. Must be safe from any thread and must not block. */
    public interface CommandSink {

        /** False if the stream is closed, or so slow that nothing more should wait for it. */
        boolean offer(RegionHeartbeatResponse response);

        /** Ends the stream: this member no longer leads. */
        void close();
    }

    public HeartbeatStreams(MeterRegistry metrics) {
        this.dropped = Counter.builder("kv.pd.schedule.commands.dropped")
                .description(
                        "Commands that found no open or no ready heartbeat stream; the next heartbeat repeats them")
                .register(metrics);
    }

    /** From now on this stream is the way to the store; an older one is ended. */
    public void bind(long storeId, CommandSink sink) {
        CommandSink older = byStore.put(storeId, sink);
        if (older != null && older != sink) {
            older.close();
        }
    }

    public void unbind(long storeId, CommandSink sink) {
        byStore.remove(storeId, sink);
    }

    /** Sends or drops: what matters is repeated with the next heartbeat. */
    public void send(long storeId, RegionHeartbeatResponse response) {
        CommandSink sink = byStore.get(storeId);
        if (sink == null || !sink.offer(response)) {
            dropped.increment();
        }
    }

    public void close() {
        byStore.values().forEach(CommandSink::close);
        byStore.clear();
    }
}
