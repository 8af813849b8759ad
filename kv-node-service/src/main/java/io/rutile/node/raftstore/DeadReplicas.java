package io.rutile.node.raftstore;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.storage.engine.EngineException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The replicas of a store that could not apply an entry, or lost their disk. Such a one serves nothing and votes for nobody; its
 * leader reports it as down.
 *
 * <p>What is done about it depends on why. A data disk that was full, or failed, may take writes again: then its group is started once
 * more from what is on disk, exactly as a restart of the process would, and applies the same entry again. Whatever else it was would
 * only happen once more: an entry is never skipped, so such a replica waits until PD replaces it by a new one (R3), or for a restart.
 *
 * <p>Attempts come one at a time for the whole store, after a pause that doubles from a second to a minute and begins anew once no
 * replica has died for that long. Safe from any thread.
 */
final class DeadReplicas {

    private static final Logger log = LoggerFactory.getLogger(DeadReplicas.class);

    static final Duration PAUSE_MIN = Duration.ofSeconds(1);
    static final Duration PAUSE_MAX = Duration.ofMinutes(1);

    /** @param mayPass whether the cause can go away by itself */
    private record Death(RegionPeer peer, String cause, boolean mayPass) {}

    private final LongSupplier nanoClock;
    private final Counter deaths;
    private final Counter restarts;
    private final Map<Long, Death> byRegion = new ConcurrentHashMap<>();

    // Guarded by this.
    private long pauseNanos = PAUSE_MIN.toNanos();
    private long triedNanos;

    DeadReplicas(LongSupplier nanoClock, MeterRegistry metrics) {
        this.nanoClock = nanoClock;
        this.triedNanos = nanoClock.getAsLong();
        this.deaths = metrics.counter("kv.raftstore.replica.failures");
        this.restarts = metrics.counter("kv.raftstore.replica.restarts");
        Gauge.builder("kv.raftstore.replicas.dead", byRegion, Map::size).register(metrics);
    }

    void died(RegionPeer peer, Throwable cause) {
        boolean mayPass = mayPass(cause);
        byRegion.put(peer.regionId(), new Death(peer, String.valueOf(cause.getMessage()), mayPass));
        deaths.increment();
        log.warn(
                "replica serves nothing any more region={} peer={} until={}",
                peer.regionId(),
                peer.peerId(),
                mayPass ? "the disk takes writes again" : "it is replaced or the process is started again");
    }

    /** A disk that is full or failed; not damage, and not an entry that the engine or the code can't take. */
    private static boolean mayPass(Throwable cause) {
        return cause instanceof EngineException engine
                && (engine.kind() == EngineException.Kind.NO_SPACE || engine.kind() == EngineException.Kind.IO);
    }

    /** Those whose cause may have passed, if it is time to look; empty else. */
    synchronized List<RegionPeer> due() {
        long sinceNanos = nanoClock.getAsLong() - triedNanos;
        List<RegionPeer> waiting = byRegion.values().stream()
                .filter(Death::mayPass)
                .map(Death::peer)
                .toList();
        if (sinceNanos < pauseNanos) {
            return List.of();
        }
        if (waiting.isEmpty()) {
            pauseNanos = PAUSE_MIN.toNanos();
            return waiting;
        }
        triedNanos = nanoClock.getAsLong();
        pauseNanos = Math.min(2 * pauseNanos, PAUSE_MAX.toNanos());
        return waiting;
    }

    /** Another object stands for it now. */
    void startedAgain(RegionPeer peer) {
        forget(peer);
        restarts.increment();
    }

    /** It has been taken down. */
    void forget(RegionPeer peer) {
        byRegion.computeIfPresent(peer.regionId(), (id, death) -> death.peer() == peer ? null : death);
    }

    /** Why it died; empty if it lives. */
    Optional<String> causeOf(RegionPeer peer) {
        @Nullable Death death = byRegion.get(peer.regionId());
        return death == null || death.peer() != peer ? Optional.empty() : Optional.of(death.cause());
    }

    /** Regions whose replica here is dead, ascending. */
    List<Long> regions() {
        return byRegion.keySet().stream().sorted().toList();
    }
}
