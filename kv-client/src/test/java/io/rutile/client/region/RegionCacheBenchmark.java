package io.rutile.client.region;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.RegionEpoch;
import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** Which Region holds a key, when all of them are known: what every request begins with. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class RegionCacheBenchmark {

    @Param({"100", "10000"})
    public int regions;

    private final SplittableRandom random = new SplittableRandom(1);

    @SuppressWarnings("NullAway") // what is known is found without PD
    private final RegionCache cache = new RegionCache(null, new RegionMetrics(new SimpleMeterRegistry()), region -> {});

    @Setup
    public void fill() {
        for (int i = 0; i < regions; i++) {
            Region.Builder region = Region.newBuilder()
                    .setId(i + 1)
                    .setRegionEpoch(RegionEpoch.newBuilder().setVersion(1).setConfVer(1));
            if (i > 0) {
                region.setStartKey(border(i).toByteString());
            }
            if (i < regions - 1) {
                region.setEndKey(border(i + 1).toByteString());
            }
            for (int store = 1; store <= 3; store++) {
                region.addPeers(Peer.newBuilder().setId(10L * i + store).setStoreId(store));
            }
            if (!cache.insert(CachedRegion.of(region.build(), region.getPeers(0)))) {
                throw new IllegalStateException("a region is not taken");
            }
        }
    }

    private static ByteKey border(int i) {
        return ByteKey.wrap(ByteBuffer.allocate(Integer.BYTES).putInt(i).array());
    }

    @Benchmark
    public @Nullable CachedRegion find() {
        byte[] key = ByteBuffer.allocate(20).putInt(random.nextInt(regions)).array();
        return cache.find(Anchor.at(ByteKey.wrap(key)));
    }
}
