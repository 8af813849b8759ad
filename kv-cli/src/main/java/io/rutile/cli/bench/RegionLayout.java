package io.rutile.cli.bench;

import com.google.gson.JsonObject;
import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.rutile.cli.bench.load.KeySpace;
import io.rutile.cli.bench.subject.Transactions;
import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.placement.PdHttp;
import io.rutile.client.pd.PdClient;
import io.rutile.client.pd.RegionLocation;
import io.rutile.client.rpc.Channels;
import io.rutile.client.rpc.Endpoint;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.MemComparable;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.SplitRegionRequest;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.tikvpb.TikvGrpc;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/**
 * Sees to it that keys lie in so many Regions and that these are led by all stores alike: cuts by SplitRegion at even borders, moves
 * leaders by PD's transfer-leader, and believes only what PD shows afterwards. It puts nothing together: who wants fewer Regions begins
 * with a new cluster.
 */
final class RegionLayout {

    private static final Duration ANSWER_MAX = Duration.ofSeconds(10);
    private static final Duration ARRANGED_WITHIN = Duration.ofMinutes(3);
    private static final Duration LOOK_INTERVAL = Duration.ofMillis(250);

    /** Borders in one request. */
    private static final int BORDERS_AT_ONCE = 16;

    private final PdClient pd;
    private final PdHttp http;
    private final Consumer<String> progress;
    private final Set<String> said = new HashSet<>();

    /**
     * Keys that are arranged.
     *
     * @param transactional whether those of transactions are meant, whose borders are encodings
     */
    record Range(KeySpace keys, boolean transactional) {

        private ByteKey border(String key) {
            return transactional
                    ? ByteKey.wrap(
                            MemComparable.encode((Transactions.PREFIX + key).getBytes(StandardCharsets.US_ASCII)))
                    : ByteKey.wrap(key.getBytes(StandardCharsets.US_ASCII));
        }

        private ByteString wire(String key) {
            return ByteString.copyFromUtf8(transactional ? Transactions.PREFIX + key : key);
        }

        private KeyRange range() {
            return new KeyRange(border(keys.prefix()), border(keys.end()));
        }
    }

    /** @param pd not closed here */
    RegionLayout(PdClient pd, PdHttp http, Consumer<String> progress) {
        this.pd = pd;
        this.http = http;
        this.progress = progress;
    }

    /**
     * Cuts and spreads.
     *
     * @throws ClusterException if there are more Regions already, or if it is not so within three minutes
     */
    void arrange(Range range, int count) throws InterruptedException {
        int now = regions(range).size();
        if (now > count) {
            throw new ClusterException("the keys lie in " + now + " regions, not in " + count
                    + "; begin with a new cluster whose regions don't split by themselves (--start makes one)");
        }
        if (now < count) {
            progress.accept("splitting " + now + " regions into " + count);
            until("there are " + count + " regions", () -> isCut(range, count));
        }
        if (count > 1) {
            until("all stores lead as many of the " + count + " regions", () -> isSpread(range));
        }
        check(range, count).ifPresent(finding -> {
            throw new ClusterException(finding);
        });
    }

    /** What is not as it was arranged; empty if all is well. */
    Optional<String> check(Range range, int count) throws InterruptedException {
        List<RegionLocation> regions = regions(range);
        if (regions.size() != count) {
            return Optional.of("the keys lie in " + regions.size() + " regions, not in " + count);
        }
        int moves = moves(regions).size();
        return moves == 0
                ? Optional.empty()
                : Optional.of(
                        "the " + count + " regions are not led by all stores alike: " + moves + " leaders too many");
    }

    private interface Condition {
        boolean isSo() throws InterruptedException;
    }

    private void until(String what, Condition condition) throws InterruptedException {
        long deadlineNanos = System.nanoTime() + ARRANGED_WITHIN.toNanos();
        while (!condition.isSo()) {
            if (System.nanoTime() - deadlineNanos > 0) {
                throw new ClusterException("not so after " + ARRANGED_WITHIN.toMinutes() + " min: " + what);
            }
            TimeUnit.NANOSECONDS.sleep(LOOK_INTERVAL.toNanos());
        }
    }

    /** Orders what is missing; true if PD shows nothing missing. */
    private boolean isCut(Range range, int count) throws InterruptedException {
        List<RegionLocation> regions = regions(range);
        boolean cut = true;
        for (RegionLocation region : regions) {
            List<ByteString> missing = new ArrayList<>();
            for (String key : range.keys().borders(count)) {
                ByteKey border = range.border(key);
                if (inside(region, border)) {
                    missing.add(range.wire(key));
                }
            }
            if (!missing.isEmpty()) {
                cut = false;
                split(region, missing.subList(0, Math.min(BORDERS_AT_ONCE, missing.size())), !range.transactional());
            }
        }
        return cut && regions.size() == count;
    }

    private static boolean inside(RegionLocation region, ByteKey border) {
        ByteKey start = ByteKey.of(region.region().getStartKey());
        ByteKey end = ByteKey.of(region.region().getEndKey());
        return border.compareTo(start) > 0 && (end.isEmpty() || border.compareTo(end) < 0);
    }

    /** A refusal is no news: the next look shows what is still missing. */
    private void split(RegionLocation region, List<ByteString> keys, boolean raw) throws InterruptedException {
        Peer leader = region.leader();
        if (leader == null) {
            return;
        }
        ManagedChannel channel = Channels.open(
                Endpoint.parse(answered(pd.store(leader.getStoreId())).getAddress()));
        try {
            var unused = TikvGrpc.newBlockingStub(channel)
                    .withDeadlineAfter(ANSWER_MAX.toMillis(), TimeUnit.MILLISECONDS)
                    .splitRegion(SplitRegionRequest.newBuilder()
                            .setContext(Context.newBuilder()
                                    .setRegionId(region.region().getId())
                                    .setRegionEpoch(region.region().getRegionEpoch())
                                    .setPeer(leader))
                            .addAllSplitKeys(keys)
                            .setIsRawKv(raw)
                            .build());
        } catch (StatusRuntimeException e) {
            say("a split was not answered: " + e.getStatus().getCode());
        } finally {
            channel.shutdownNow();
        }
    }

    /** Orders moves from whoever leads too many; true if nobody does. */
    private boolean isSpread(Range range) throws InterruptedException {
        List<RegionLocation> regions = regions(range);
        Map<Long, Long> moves = moves(regions);
        moves.forEach(this::transfer);
        return moves.isEmpty() && regions.stream().allMatch(region -> region.leader() != null);
    }

    /** By Region, the store that should lead it, because its leader's leads at least two more. */
    private static Map<Long, Long> moves(List<RegionLocation> regions) {
        Map<Long, Integer> leads = new HashMap<>();
        for (RegionLocation region : regions) {
            Peer leader = region.leader();
            if (leader != null) {
                leads.merge(leader.getStoreId(), 1, Integer::sum);
            }
        }
        Map<Long, Long> moves = new LinkedHashMap<>();
        for (RegionLocation region : regions) {
            Peer leader = region.leader();
            if (leader == null) {
                continue;
            }
            long from = leader.getStoreId();
            long to = region.region().getPeersList().stream()
                    .map(Peer::getStoreId)
                    .min(Comparator.comparing((Long store) -> leads.getOrDefault(store, 0)))
                    .orElse(from);
            if (leads.getOrDefault(from, 0) > leads.getOrDefault(to, 0) + 1) {
                leads.merge(from, -1, Integer::sum);
                leads.merge(to, 1, Integer::sum);
                moves.put(region.region().getId(), to);
            }
        }
        return moves;
    }

    /** A Region that is being moved already refuses; the next look shows where it is. */
    private void transfer(long regionId, long toStore) {
        JsonObject order = new JsonObject();
        order.addProperty("name", "transfer-leader");
        order.addProperty("region_id", regionId);
        order.addProperty("to_store_id", toStore);
        try {
            http.post("/operators", order);
        } catch (ClusterException e) {
            say("a leader stays for now: " + e.getMessage());
        }
    }

    /** Once, however often it happens. */
    private void say(String news) {
        if (said.add(news)) {
            progress.accept(news);
        }
    }

    private List<RegionLocation> regions(Range range) throws InterruptedException {
        return answered(pd.scanRegions(range.range(), 0));
    }

    private static <T> T answered(Future<T> call) throws InterruptedException {
        try {
            return call.get(ANSWER_MAX.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw new ClusterException("the Placement Driver does not tell: " + e.getCause(), e);
        } catch (TimeoutException e) {
            throw new ClusterException("the Placement Driver did not answer in " + ANSWER_MAX.toSeconds() + " s", e);
        }
    }
}
