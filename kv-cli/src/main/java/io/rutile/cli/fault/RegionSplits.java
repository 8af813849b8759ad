package io.rutile.cli.fault;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.rutile.client.pd.PdClient;
import io.rutile.client.pd.RegionLocation;
import io.rutile.client.rpc.Channels;
import io.rutile.client.rpc.Endpoint;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.MemComparable;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.SplitRegionRequest;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.tikvpb.TikvGrpc;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Splits Regions by the SplitRegion RPC, sent to the leader that the Placement Driver knows. What is refused or not answered, because
 * leaders move meanwhile, is tried again for five seconds.
 */
public final class RegionSplits implements RegionSplitter {

    private static final Duration ANSWER_WAIT = Duration.ofSeconds(2);
    private static final Duration WAIT_MAX = Duration.ofSeconds(5);
    private static final Duration PAUSE = Duration.ofMillis(100);

    private final PdClient pd;

    /** @param pd not closed here */
    public RegionSplits(PdClient pd) {
        this.pd = pd;
    }

    @Override
    public boolean split(String key) throws InterruptedException {
        ByteKey border = border(key);
        long startNanos = System.nanoTime();
        boolean ordered = false;
        while (true) {
            try {
                Optional<RegionLocation> region = answered(pd.regionByKey(border));
                if (region.isPresent() && begins(region.get(), border)) {
                    // One that begins there before anything was ordered is no split of ours.
                    return ordered;
                }
                if (region.isPresent()) {
                    ordered = true;
                    if (order(region.get(), key)) {
                        return true;
                    }
                }
            } catch (ExecutionException | TimeoutException | StatusRuntimeException e) {
                // Whoever did not answer may be dead or frozen; the split may be done all the same, which PD will tell.
            }
            if (System.nanoTime() - startNanos >= WAIT_MAX.toNanos()) {
                return false;
            }
            TimeUnit.NANOSECONDS.sleep(PAUSE.toNanos());
        }
    }

    /** A transactional key as Regions' borders have it. */
    public static ByteKey border(String key) {
        return ByteKey.wrap(MemComparable.encode(key.getBytes(StandardCharsets.UTF_8)));
    }

    private static boolean begins(RegionLocation region, ByteKey border) {
        return region.region().getStartKey().equals(border.toByteString());
    }

    /** True if the leader says that it is done. */
    private boolean order(RegionLocation region, String key)
            throws InterruptedException, ExecutionException, TimeoutException {
        Peer leader = region.leader();
        if (leader == null) {
            return false;
        }
        String address = answered(pd.store(leader.getStoreId())).getAddress();
        ManagedChannel channel = Channels.open(Endpoint.parse(address));
        try {
            return !TikvGrpc.newBlockingStub(channel)
                    .withDeadlineAfter(ANSWER_WAIT.toMillis(), TimeUnit.MILLISECONDS)
                    .splitRegion(SplitRegionRequest.newBuilder()
                            .setContext(Context.newBuilder()
                                    .setRegionId(region.region().getId())
                                    .setRegionEpoch(region.region().getRegionEpoch())
                                    .setPeer(leader))
                            .addSplitKeys(ByteString.copyFromUtf8(key))
                            .build())
                    .hasRegionError();
        } finally {
            channel.shutdownNow();
        }
    }

    private static <T> T answered(Future<T> call) throws InterruptedException, ExecutionException, TimeoutException {
        return call.get(ANSWER_WAIT.toMillis(), TimeUnit.MILLISECONDS);
    }
}
