package io.rutile.cli.consistency;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What is wrong with the ranges of a cluster (R6), in a sentence each; pure. */
final class RangeAudit {

    private final Survey survey;
    private final List<RegionRange> regions;
    private final List<String> findings = new ArrayList<>();

    private RangeAudit(Survey survey) {
        this.survey = survey;
        this.regions = survey.regions();
    }

    /** Empty if every key has one Region, every Region its replicas and one leader, no store two for a key, and PD knows just that. */
    static List<String> findings(Survey survey) {
        RangeAudit audit = new RangeAudit(survey);
        audit.findings.addAll(survey.silent());
        audit.stores();
        audit.borders();
        audit.regions.forEach(audit::replicas);
        audit.placement();
        return audit.findings;
    }

    /** R6: no two on a store. */
    private void stores() {
        Map<Long, List<RegionRange>> byStore = new TreeMap<>();
        for (Replica replica : survey.replicas()) {
            RegionRange range = replica.region();
            if (range != null) {
                byStore.computeIfAbsent(replica.storeId(), first -> new ArrayList<>())
                        .add(range);
            }
        }
        byStore.forEach((storeId, ranges) -> {
            ranges.sort((a, b) -> a.startKey().compareTo(b.startKey()));
            for (int i = 1; i < ranges.size(); i++) {
                if (ranges.get(i - 1).overlaps(ranges.get(i))) {
                    findings.add("store " + storeId + ": " + ranges.get(i - 1) + " overlaps " + ranges.get(i));
                }
            }
        });
    }

    /** R6: from the first key to the last without a hole or an overlap. */
    private void borders() {
        String border = "";
        boolean open = true;
        for (RegionRange region : regions) {
            if (!open || region.startKey().compareTo(border) < 0) {
                findings.add(region + " begins before the one in front of it ends");
            } else if (!region.startKey().equals(border)) {
                findings.add("no region holds [" + (border.isEmpty() ? "-" : border) + ", " + region.startKey() + ")");
            }
            open = open && !region.endKey().isEmpty();
            border = region.endKey();
        }
        if (open) {
            findings.add("no region holds [" + (border.isEmpty() ? "-" : border) + ", -)");
        }
    }

    private void replicas(RegionRange region) {
        List<Replica> replicas = survey.replicasOf(region.id());
        List<Long> leaders =
                replicas.stream().filter(Replica::leader).map(Replica::storeId).toList();
        if (leaders.size() != 1) {
            findings.add(
                    leaders.isEmpty()
                            ? "region " + region.id() + ": nobody leads"
                            : "region " + region.id() + ": stores " + leaders + " lead");
        }
        for (Replica replica : replicas) {
            if (!region.stores().contains(replica.storeId())) {
                findings.add("store " + replica.storeId() + ": replica " + replica.peerId() + " of " + region
                        + " is none of its peers");
            }
        }
        for (long storeId : region.stores()) {
            if (replicas.stream().noneMatch(replica -> replica.storeId() == storeId && replica.region() != null)) {
                findings.add("store " + storeId + ": no replica of " + region + " is there");
            }
        }
    }

    private void placement() {
        Map<Long, RegionRange> known = new HashMap<>();
        survey.known().forEach(region -> known.put(region.id(), region));
        for (RegionRange region : regions) {
            RegionRange at = known.remove(region.id());
            if (at == null) {
                findings.add("the Placement Driver doesn't know " + region);
            } else if (!at.equals(region)) {
                findings.add("the Placement Driver takes " + region + " for " + at);
            }
        }
        known.values().forEach(gone -> findings.add("the Placement Driver knows " + gone + ", which no store has"));
    }
}
