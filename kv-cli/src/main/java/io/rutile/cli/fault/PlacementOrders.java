package io.rutile.cli.fault;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.placement.PdHttp;
import io.rutile.cli.placement.RegionView;
import io.rutile.cli.placement.StoreView;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Orders by PD's HTTP operators, and watches which of them come to be: an order that PD has taken may be called off, overtaken by an
 * election, or not be known to the nodes at all. It is finished once PD shows the Region as it was to become, within two minutes.
 *
 * <p>Threads: one of its own watches, until {@link #close}; orders are the caller's.
 */
public final class PlacementOrders implements RegionOrders, AutoCloseable {

    /** Longer than the restart of a node in the middle of it. */
    private static final Duration FINISHED_WITHIN = Duration.ofSeconds(120);

    private static final Duration LOOK_INTERVAL = Duration.ofMillis(200);
    private static final Duration CLOSE_MAX = Duration.ofSeconds(10);

    private final PdHttp pd;
    private final CountDownLatch closed = new CountDownLatch(1);
    private final Thread thread = new Thread(this::watch, "placement-orders");

    /** All guarded by this. */
    private final List<Order> open = new ArrayList<>();

    private final Map<Fault, Integer> finished = new EnumMap<>(Fault.class);

    /**
     * One that PD has taken.
     *
     * @param path of the Region that shows it
     * @param done what PD shows there when it is done; a new leader of PD knows no Region at first, which shows nothing
     * @param then what is ordered as soon as PD takes it, because the first order has made way for it; null for most
     */
    private record Order(
            Fault fault,
            String path,
            long takenNanos,
            Predicate<RegionView> done,
            @Nullable JsonObject then) {}

    /** @param pd calls are short */
    public PlacementOrders(PdHttp pd) {
        this.pd = pd;
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public boolean order(Fault fault, String key, long draw) {
        try {
            String path = "/region/key/"
                    + HexFormat.of().formatHex(RegionSplits.border(key).bytes()) + "?format=hex";
            RegionView region = region(path);
            if (region == null) {
                return false;
            }
            return switch (fault) {
                case TRANSFER -> transfer(region, draw);
                case MOVE -> move(region, draw);
                case MERGE -> merge(region, path, draw);
                default -> throw new IllegalArgumentException(fault.label() + " is no order");
            };
        } catch (ClusterException refused) {
            return false;
        }
    }

    private boolean transfer(RegionView region, long draw) {
        List<Long> others = region.stores().stream()
                .filter(store -> store != region.leaderStore())
                .toList();
        if (others.isEmpty()) {
            return false;
        }
        long to = drawn(others, draw);
        JsonObject body = body("transfer-leader", region);
        body.addProperty("to_store_id", to);
        return take(Fault.TRANSFER, byId(region), body, now -> now.leaderStore() == to);
    }

    /** One in three is taken away for good: PD then adds one where it likes, maybe on the same store, and that is a new member (R3). */
    private boolean move(RegionView region, long draw) {
        long from = drawn(region.stores(), draw);
        List<Long> free = StoreView.list(pd.object("/stores?state=Up")).stream()
                .map(StoreView::id)
                .filter(store -> !region.stores().contains(store))
                .toList();
        boolean forGood = free.isEmpty() || Math.floorMod(draw >> 16, 3) == 0;
        JsonObject body = body(forGood ? "remove-peer" : "transfer-peer", region);
        if (forGood) {
            body.addProperty("store_id", from);
        } else {
            body.addProperty("from_store_id", from);
            body.addProperty("to_store_id", drawn(free, draw >> 32));
        }
        int replicas = region.stores().size();
        List<Long> before = region.peers();
        long leaving = before.get(region.stores().indexOf(from));
        return take(
                Fault.MOVE,
                byId(region),
                body,
                now -> !now.peers().contains(leaving)
                        && (forGood || now.stores().size() >= replicas));
    }

    /**
     * Done when the key that the Region was found by is the neighbour's. Neighbours on other stores can't be merged, so the Region is
     * brought beside its neighbour first.
     */
    private boolean merge(RegionView region, String path, long draw) {
        List<RegionView> neighbours = RegionView.list(pd.object("/regions/sibling/" + region.id()));
        if (neighbours.isEmpty()) {
            return false;
        }
        RegionView target = drawn(neighbours, draw);
        JsonObject merge = new JsonObject();
        merge.addProperty("name", "merge-region");
        merge.addProperty("source_region_id", region.id());
        merge.addProperty("target_region_id", target.id());
        Predicate<RegionView> done = now -> now.id() == target.id();
        if (Set.copyOf(region.stores()).equals(Set.copyOf(target.stores()))) {
            return take(Fault.MERGE, path, merge, done);
        }
        JsonObject beside = body("transfer-region", region);
        JsonArray stores = new JsonArray();
        target.stores().forEach(stores::add);
        beside.add("to_store_ids", stores);
        return take(Fault.MERGE, path, beside, done, merge);
    }

    private static String byId(RegionView region) {
        return "/region/id/" + region.id();
    }

    private static JsonObject body(String name, RegionView region) {
        JsonObject body = new JsonObject();
        body.addProperty("name", name);
        body.addProperty("region_id", region.id());
        return body;
    }

    private static <T> T drawn(List<T> choices, long draw) {
        return choices.get((int) Math.floorMod(draw, (long) choices.size()));
    }

    private boolean take(Fault fault, String path, JsonObject body, Predicate<RegionView> done) {
        return take(fault, path, body, done, null);
    }

    private boolean take(
            Fault fault, String path, JsonObject body, Predicate<RegionView> done, @Nullable JsonObject then) {
        pd.post("/operators", body);
        synchronized (this) {
            open.add(new Order(fault, path, System.nanoTime(), done, then));
        }
        return true;
    }

    private @Nullable RegionView region(String path) {
        JsonElement answer = pd.get(path);
        return answer.isJsonObject() ? RegionView.of(answer.getAsJsonObject()) : null;
    }

    private void watch() {
        try {
            while (!closed.await(LOOK_INTERVAL.toMillis(), TimeUnit.MILLISECONDS)) {
                look();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void look() {
        for (Order order : open()) {
            boolean over = System.nanoTime() - order.takenNanos() > FINISHED_WITHIN.toNanos();
            boolean done = false;
            try {
                RegionView now = region(order.path());
                done = now != null && order.done().test(now);
                if (!done && order.then() != null) {
                    orderNext(order, order.then());
                }
            } catch (ClusterException away) {
                // PD has no leader at the moment, or suffers: the next look.
            }
            if (done || over) {
                synchronized (this) {
                    open.remove(order);
                    if (done) {
                        finished.merge(order.fault(), 1, Integer::sum);
                    }
                }
            }
        }
    }

    /** PD refuses it until the first order is done. */
    private void orderNext(Order order, JsonObject next) {
        pd.post("/operators", next);
        synchronized (this) {
            open.remove(order);
            open.add(new Order(order.fault(), order.path(), order.takenNanos(), order.done(), null));
        }
    }

    private synchronized List<Order> open() {
        return List.copyOf(open);
    }

    /** How often each was seen to be done. */
    public synchronized Map<Fault, Integer> finished() {
        return Map.copyOf(finished);
    }

    /** Ends the watching; what is under way goes on. */
    @Override
    public void close() {
        closed.countDown();
        try {
            thread.join(CLOSE_MAX.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
