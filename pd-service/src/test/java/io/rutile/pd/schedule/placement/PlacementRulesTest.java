package io.rutile.pd.schedule.placement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.pd.schedule.placement.PlacementRule.Role;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class PlacementRulesTest {

    private static final PlacementRule OTHERWISE = PlacementRule.replicas(3, Locations.NONE);

    @Test
    void rulesHoldBetweenTheirBorders() {
        PlacementRules rules = new PlacementRules(List.of(
                rule("g", "all", 0, false, "", "", Role.VOTER), rule("g", "middle", 1, false, "c", "m", Role.LEARNER)));

        assertThat(names(rules, "a")).containsExactly("g/all");
        assertThat(names(rules, "c")).containsExactly("g/all", "g/middle");
        assertThat(names(rules, "m")).containsExactly("g/all");
        assertThat(rules.bordersWithin(new KeyRange(key("a"), key("d")))).containsExactly(key("c"));
        assertThat(rules.bordersWithin(new KeyRange(key("c"), key("m")))).isEmpty();
        assertThat(rules.bordersWithin(KeyRange.ALL)).containsExactly(key("c"), key("m"));
    }

    @Test
    void overridingRuleHidesThoseOfItsGroupBeforeIt() {
        PlacementRules rules = new PlacementRules(List.of(
                rule("g", "all", 0, false, "", "", Role.VOTER),
                rule("g", "instead", 1, true, "c", "m", Role.VOTER),
                rule("h", "beside", 0, false, "", "", Role.LEARNER)));

        assertThat(names(rules, "d")).containsExactly("g/instead", "h/beside");
        assertThat(names(rules, "x")).containsExactly("g/all", "h/beside");
    }

    @Test
    void groupsAreInOrderAndMayHideThoseBeforeThem() {
        List<PlacementRule> all = List.of(
                rule("b", "all", 0, false, "", "", Role.VOTER),
                rule("a", "late", 0, false, "", "", Role.VOTER),
                rule("c", "alone", 0, false, "c", "m", Role.VOTER),
                rule("c", "too", 1, false, "c", "m", Role.LEARNER));
        PlacementRules rules =
                new PlacementRules(all, Map.of("a", new RuleGroup("a", 5, false), "c", new RuleGroup("c", 9, true)));

        assertThat(names(rules, "a")).containsExactly("b/all", "a/late");
        assertThat(names(rules, "d")).containsExactly("c/alone", "c/too");
    }

    @Test
    void holeIsFound() {
        assertThat(new PlacementRules(List.of(rule("g", "x", 0, false, "c", "m", Role.VOTER))).firstHole())
                .contains(ByteKey.EMPTY);
        assertThat(new PlacementRules(List.of(rule("g", "x", 0, false, "", "m", Role.VOTER))).firstHole())
                .contains(key("m"));
        assertThat(new PlacementRules(List.of(rule("g", "x", 0, false, "", "", Role.VOTER))).firstHole())
                .isEmpty();
    }

    @Test
    void whereNoRuleHoldsTheReplicaCountDoes() {
        PlacementRules rules = new PlacementRules(List.of(rule("g", "middle", 0, false, "c", "m", Role.VOTER)));

        assertThat(names(rules, "a")).containsExactly("pd/default");
        assertThat(PlacementRules.NONE.at(key("a"), OTHERWISE)).containsExactly(OTHERWISE);
    }

    @Test
    void rulesUnderWhichNobodyCouldLeadAreRefused() {
        assertThatThrownBy(() -> new PlacementRules(List.of(
                        rule("g", "all", 0, false, "", "", Role.VOTER),
                        rule("g", "learn", 1, true, "c", "m", Role.LEARNER))))
                .hasMessageContaining("nobody may lead")
                .hasMessageContaining("g/learn");
        assertThatThrownBy(() -> new PlacementRules(List.of(
                        rule("g", "one", 0, false, "", "m", Role.LEADER),
                        rule("g", "two", 1, false, "c", "", Role.LEADER))))
                .hasMessageContaining("more than one");
    }

    @Test
    void nonsenseIsRefusedInWords() {
        PlacementRule twice = rule("g", "all", 0, false, "", "", Role.VOTER);
        assertThatThrownBy(() -> new PlacementRules(List.of(twice, twice))).hasMessageContaining("called g/all");
        assertThatThrownBy(() -> rule("g", "x", 0, false, "m", "c", Role.VOTER)).hasMessageContaining("g/x");
        assertThatThrownBy(() -> PlacementRule.replicas(0, Locations.NONE)).hasMessageContaining("1 to 15");
        assertThatThrownBy(() -> new LabelConstraint("zone", LabelConstraint.Op.IN, List.of()))
                .hasMessageContaining("needs values");
        assertThatThrownBy(() -> new Locations(List.of("zone"), "rack")).hasMessageContaining("rack");
    }

    private static List<String> names(PlacementRules rules, String key) {
        return rules.at(key(key), OTHERWISE).stream().map(PlacementRule::name).toList();
    }

    private static PlacementRule rule(
            String group, String id, int index, boolean override, String start, String end, Role role) {
        return new PlacementRule(
                group, id, index, override, new KeyRange(key(start), key(end)), role, 1, List.of(), Locations.NONE);
    }

    private static ByteKey key(String text) {
        return ByteKey.wrap(text.getBytes(StandardCharsets.UTF_8));
    }
}
