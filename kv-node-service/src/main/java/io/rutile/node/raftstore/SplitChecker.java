package io.rutile.node.raftstore;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.RegionException;
import io.rutile.storage.engine.EngineException;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks which of the Regions that are led here have grown too large, and says where they should be cut. Whether they are is seen at the
 * next look.
 *
 * <p>Used by one thread at a time.
 */
final class SplitChecker {

    private static final Logger log = LoggerFactory.getLogger(SplitChecker.class);

    /** More pieces wait for the next look: each is a Raft group that begins. */
    private static final int PIECES_MAX = 16;

    /** Looks that a Region without a place to cut it at is left alone for. */
    private static final int LOOKS_SKIPPED = 30;

    private final SplitOptions options;
    private final SplitKeys keys;
    private final BiConsumer<RegionPeer, List<ByteKey>> due;
    private final Counter suggested;
    private final AtomicInteger stuck = new AtomicInteger();
    /** Regions that can't be cut, and how many looks they are left alone for. */
    private final Map<Long, Integer> skipped = new HashMap<>();

    /** @param due told where a Region should be cut; hands over */
    SplitChecker(
            SplitOptions options, SplitKeys keys, BiConsumer<RegionPeer, List<ByteKey>> due, MeterRegistry metrics) {
        this.options = options;
        this.keys = keys;
        this.due = due;
        this.suggested = metrics.counter("kv.raftstore.splits.due");
        metrics.gauge("kv.raftstore.splits.stuck", stuck);
    }

    /** @param sizes of a Region, roughly */
    void look(Collection<RegionPeer> leaders, Function<RegionPeer, RaftStore.Approximation> sizes) {
        skipped.keySet().removeIf(id -> leaders.stream().noneMatch(peer -> peer.regionId() == id));
        for (RegionPeer peer : leaders) {
            try {
                look(peer, sizes.apply(peer));
            } catch (RegionException | EngineException e) {
                log.debug("region can't be looked at region={} reason={}", peer.regionId(), e.getMessage());
            }
        }
        stuck.set(skipped.size());
    }

    private void look(RegionPeer peer, RaftStore.Approximation size) {
        int pieces = pieces(size);
        if (pieces < 2) {
            skipped.remove(peer.regionId());
            return;
        }
        int looks = skipped.getOrDefault(peer.regionId(), 0);
        if (looks > 0) {
            skipped.put(peer.regionId(), looks - 1);
            return;
        }
        List<ByteKey> borders = keys.evenly(RaftStore.rangeOf(peer.region()), pieces);
        if (borders.isEmpty()) {
            log.warn(
                    "region is too large and can't be cut region={} bytes={} keys={}",
                    peer.regionId(),
                    size.bytes(),
                    size.keys());
            skipped.put(peer.regionId(), LOOKS_SKIPPED);
            return;
        }
        suggested.increment();
        due.accept(peer, borders);
    }

    /** How many Regions it should be; 1 while it isn't half as much again as one should hold. */
    private int pieces(RaftStore.Approximation size) {
        double times = Math.max((double) size.bytes() / options.sizeBytes(), (double) size.keys() / options.keys());
        return times < 1.5 ? 1 : (int) Math.min(PIECES_MAX, Math.max(2, Math.round(times)));
    }
}
