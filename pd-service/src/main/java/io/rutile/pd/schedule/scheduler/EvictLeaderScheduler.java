package io.rutile.pd.schedule.scheduler;

import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.cluster.StoreInfo;
import io.rutile.pd.schedule.operator.Operator.Purpose;
import io.rutile.pd.schedule.operator.OperatorBuilder;
import io.rutile.pd.schedule.operator.OperatorKind;
import io.rutile.protocol.metapb.Peer;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Takes leadership from stores that must not lead: those under an eviction, and those that say they are about to stop. */
public final class EvictLeaderScheduler implements Scheduler {

    public static final String NAME = "evict-leader";

    /** Transfers that one store is given at once: it has to carry them out itself. */
    private static final int PER_STORE = 8;

    private final SchedulerContext context;
    private final LeaderEvictions evictions;

    public EvictLeaderScheduler(SchedulerContext context, LeaderEvictions evictions) {
        this.context = context;
        this.evictions = evictions;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public void look(Round round) {
        round.nothing("no store is to lead nothing");
        for (StoreInfo store : context.cluster().stores()) {
            String why = whyEvicted(store);
            if (why == null) {
                continue;
            }
            if (store.load().leaders() == 0) {
                round.note(store.id(), why + "; it leads nothing");
            } else {
                evict(store, why, round);
            }
        }
    }

    private @Nullable String whyEvicted(StoreInfo store) {
        return store.stats().getIsStopping() ? "is about to stop" : evictions.banOf(store.id());
    }

    private void evict(StoreInfo store, String why, Round round) {
        int planned = 0;
        String last = "all its leaders are on their way";
        for (RegionInfo region : context.cluster().leadersOn(store.id(), 4 * PER_STORE, context.random())) {
            if (planned == PER_STORE) {
                break;
            }
            if (!context.underWay().isOpenTo(region.id(), OperatorKind.EVICT)) {
                continue;
            }
            Optional<Peer> successor = context.stores().forLeader(region, List.of());
            if (successor.isEmpty()) {
                last = "region " + region.id() + ": no other replica can lead: " + refusals(region, store);
                continue;
            }
            round.plan(new OperatorBuilder(
                            region, new Purpose(NAME, OperatorKind.EVICT, "store " + store.id() + " " + why))
                    .leaderOn(successor.get().getStoreId()));
            planned++;
        }
        round.note(store.id(), why + "; it leads " + store.load().leaders() + "; " + last);
        if (planned == 0) {
            round.blocked("leaders are to go, but none can");
        }
    }

    private String refusals(RegionInfo region, StoreInfo leaving) {
        StringBuilder words = new StringBuilder();
        Consumer<String> add = text -> words.append(words.isEmpty() ? "" : "; ").append(text);
        for (Peer peer : region.peers()) {
            if (peer.getStoreId() != leaving.id()) {
                add.accept(context.stores().objectionToLead(region, peer));
            }
        }
        return words.isEmpty() ? "there is no other" : words.toString();
    }
}
