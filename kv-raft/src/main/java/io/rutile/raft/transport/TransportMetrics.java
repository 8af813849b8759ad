package io.rutile.raft.transport;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.concurrent.atomic.AtomicLong;

/** What the transport counts. Listed in docs/rooms/kv-raft.md. */
final class TransportMetrics {

    final Counter frames;
    final DistributionSummary callsPerFrame;
    final Counter timeouts;
    final Counter refusedFull;
    final Counter badMessages;
    final Counter handshakesRefused;
    final AtomicLong queuedBytes = new AtomicLong();

    TransportMetrics(MeterRegistry meters) {
        frames = Counter.builder("kv.raft.transport.frames")
                .description("Frames sent to other stores")
                .register(meters);
        callsPerFrame = DistributionSummary.builder("kv.raft.transport.frame.calls")
                .description("Calls that travelled in one frame")
                .register(meters);
        timeouts = Counter.builder("kv.raft.transport.timeouts")
                .description("Calls that nobody answered in time")
                .register(meters);
        refusedFull = Counter.builder("kv.raft.transport.refused.full")
                .description("Calls not sent because a store's queue was full")
                .register(meters);
        badMessages = Counter.builder("kv.raft.transport.messages.bad")
                .description("Inbound messages that made no sense")
                .register(meters);
        handshakesRefused = Counter.builder("kv.raft.transport.handshakes.refused")
                .description("Streams of other clusters, stores or protocol versions")
                .register(meters);
        Gauge.builder("kv.raft.transport.queue", queuedBytes, AtomicLong::get)
                .description("Bytes waiting to be sent")
                .baseUnit("bytes")
                .register(meters);
    }
}
