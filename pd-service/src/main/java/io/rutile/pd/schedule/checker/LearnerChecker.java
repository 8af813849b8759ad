package io.rutile.pd.schedule.checker;

import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.schedule.operator.Operator.Purpose;
import io.rutile.pd.schedule.operator.OperatorBuilder;
import io.rutile.pd.schedule.operator.OperatorKind;
import io.rutile.pd.schedule.placement.PlacementRule;
import io.rutile.pd.schedule.placement.RuleFit;
import io.rutile.pd.schedule.placement.StoreChoice;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;

/** Makes voters of learners that have caught up and are there for a rule that asks for a vote. */
public final class LearnerChecker {

    private final StoreChoice stores;

    public LearnerChecker(StoreChoice stores) {
        this.stores = stores;
    }

    public Finding check(RegionInfo region) {
        if (region.leader() == null || region.peers().stream().noneMatch(peer -> peer.getRole() == PeerRole.Learner)) {
            return Finding.healthy("");
        }
        RuleFit fit = stores.fit(region, region.peers());
        for (Peer peer : region.peers()) {
            PlacementRule rule = fit.ruleOf(peer);
            if (peer.getRole() == PeerRole.Learner
                    && !region.isPending(peer)
                    && rule != null
                    && rule.role().votes()) {
                String why = "the replica on store " + peer.getStoreId() + " has caught up and is to vote";
                return new Finding.Repair(
                        new OperatorBuilder(region, new Purpose("promote-learner", OperatorKind.REPAIR, why))
                                .promote(peer));
            }
        }
        return Finding.healthy("");
    }
}
