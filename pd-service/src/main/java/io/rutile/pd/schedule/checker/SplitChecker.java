package io.rutile.pd.schedule.checker;

import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.schedule.operator.Operator.Purpose;
import io.rutile.pd.schedule.operator.OperatorBuilder;
import io.rutile.pd.schedule.operator.OperatorKind;
import io.rutile.pd.schedule.placement.PlacementOptions;
import io.rutile.protocol.ByteKey;
import java.util.List;
import java.util.function.Supplier;

/** Splits Regions that reach over a border of the placement rules: no place would be right for both parts. */
public final class SplitChecker {

    /** Parts that one command asks for at most; the rest follows with the next. */
    private static final int KEYS_MAX = 64;

    private final Supplier<PlacementOptions> placement;

    public SplitChecker(Supplier<PlacementOptions> placement) {
        this.placement = placement;
    }

    public Finding check(RegionInfo region) {
        List<ByteKey> borders = placement.get().rules().bordersWithin(region.range());
        if (borders.isEmpty()) {
            return Finding.healthy("");
        }
        String why = "it reaches over " + borders.size() + " borders of the placement rules";
        if (region.leader() == null) {
            return Finding.blocked(why + ", but no leader has reported it");
        }
        List<ByteKey> keys = borders.subList(0, Math.min(KEYS_MAX, borders.size()));
        return new Finding.Repair(
                new OperatorBuilder(region, new Purpose("split-at-rules", OperatorKind.SPLIT, why)).splitAt(keys));
    }
}
