package io.rutile.raft.log;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.concurrent.atomic.AtomicInteger;

/** What the shared log counts. Listed in docs/rooms/kv-raft.md. */
final class LogMetrics {

    final DistributionSummary appendEntries;
    final DistributionSummary appendBytes;
    final Counter purgesDropped;
    final AtomicInteger failed = new AtomicInteger();

    LogMetrics(MeterRegistry meters) {
        appendEntries = DistributionSummary.builder("kv.raft.log.append.entries")
                .description("Entries of one append of one group")
                .register(meters);
        appendBytes = DistributionSummary.builder("kv.raft.log.append")
                .description("Bytes of one append of one group")
                .baseUnit("bytes")
                .register(meters);
        purgesDropped = Counter.builder("kv.raft.log.purge.dropped")
                .description("Purges of cut entries put off because too many waited")
                .register(meters);
        Gauge.builder("kv.raft.log.failed", failed, AtomicInteger::get)
                .description("1 after the log's disk has failed")
                .register(meters);
    }
}
