package io.rutile.node.raftstore;

import java.util.List;
import java.util.function.Consumer;

/** A store where every range may be taken and everything is born: for tests of one replica alone. */
final class FreeRanges implements ApplyStateMachine.Ranges {

    @Override
    public void claim(ApplyStateMachine replica, RegionState next, Consumer<List<RegionState>> claim) {
        claim.accept(List.of());
    }

    @Override
    public void exchange(ApplyStateMachine region, ApplyBatch changes, Consumer<ApplyStateMachine.Exchange> publish) {
        publish.accept(new ApplyStateMachine.Exchange(changes.state(), changes.children(), List.of()));
    }
}
