package io.rutile.raft.image;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;

/** What image traffic counts. Listed in docs/rooms/kv-raft.md. */
final class ImageMetrics {

    final Counter sent;
    final Counter sentBytes;
    final Counter received;
    final Counter failed;
    final Counter refused;

    ImageMetrics(MeterRegistry meters) {
        sent = Counter.builder("kv.raft.images.sent").description("Images sent").register(meters);
        sentBytes = Counter.builder("kv.raft.images.sent.size")
                .description("Bytes of images sent")
                .baseUnit("bytes")
                .register(meters);
        received = Counter.builder("kv.raft.images.received")
                .description("Images received whole")
                .register(meters);
        failed = Counter.builder("kv.raft.images.failed")
                .description("Images given up on either side")
                .register(meters);
        refused = Counter.builder("kv.raft.images.refused")
                .description("Images put off because enough were on their way")
                .register(meters);
    }
}
