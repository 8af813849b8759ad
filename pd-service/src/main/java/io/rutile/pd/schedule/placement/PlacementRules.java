package io.rutile.pd.schedule.placement;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The rules of a cluster. Immutable; finds the rules of a key in the time of one look-up.
 *
 * <p>Between two borders the same rules hold, so a Region should not reach over one.
 */
public final class PlacementRules {

    /** Rules over all groups; each has up to two borders. */
    public static final int RULES_MAX = 10_000;

    /** Nobody has said anything: the replica count holds. */
    public static final PlacementRules NONE = new PlacementRules(List.of());

    private final List<PlacementRule> rules;
    private final Map<String, RuleGroup> groups;
    /** From each border to the next one, which rules hold. */
    private final NavigableMap<ByteKey, List<PlacementRule>> fromBorder = new TreeMap<>();

    /** Rules of groups that are all alike. */
    public PlacementRules(Collection<PlacementRule> all) {
        this(all, Map.of());
    }

    /**
     * Rules that make sense together: for every key that any rule covers there is one that lets somebody lead.
     *
     * @param groups by id; those that are missing have the index 0 and override nothing
     * @throws IllegalArgumentException in words for whoever wrote them
     */
    public PlacementRules(Collection<PlacementRule> all, Map<String, RuleGroup> groups) {
        this.groups = Map.copyOf(groups);
        if (all.size() > RULES_MAX) {
            throw new IllegalArgumentException("at most " + RULES_MAX + " placement rules, not " + all.size());
        }
        rules = all.stream().sorted(order()).toList();
        Set<String> names = new HashSet<>();
        for (PlacementRule rule : rules) {
            if (!names.add(rule.name())) {
                throw new IllegalArgumentException("two placement rules are called " + rule.name());
            }
        }
        sweep();
        fromBorder.forEach(PlacementRules::check);
    }

    private Comparator<PlacementRule> order() {
        return Comparator.comparingInt((PlacementRule rule) -> groupOf(rule).index())
                .thenComparing(PlacementRule::group)
                .thenComparingInt(PlacementRule::index)
                .thenComparing(PlacementRule::id);
    }

    private RuleGroup groupOf(PlacementRule rule) {
        RuleGroup group = groups.get(rule.group());
        return group == null ? RuleGroup.plain(rule.group()) : group;
    }

    /** From border to border: which rules begin, which end. */
    private void sweep() {
        NavigableMap<ByteKey, List<PlacementRule>> beginning = new TreeMap<>();
        NavigableMap<ByteKey, List<PlacementRule>> ending = new TreeMap<>();
        for (PlacementRule rule : rules) {
            beginning
                    .computeIfAbsent(rule.range().start(), key -> new ArrayList<>())
                    .add(rule);
            if (!rule.range().end().isEmpty()) {
                ending.computeIfAbsent(rule.range().end(), key -> new ArrayList<>())
                        .add(rule);
            }
        }
        TreeSet<ByteKey> borders = new TreeSet<>(beginning.keySet());
        borders.addAll(ending.keySet());
        borders.add(ByteKey.EMPTY);
        TreeSet<PlacementRule> active = new TreeSet<>(order());
        for (ByteKey border : borders) {
            ending.getOrDefault(border, List.of()).forEach(active::remove);
            active.addAll(beginning.getOrDefault(border, List.of()));
            fromBorder.put(border, effective(active));
        }
    }

    /** Those that are not hidden by one that overrides them. */
    private List<PlacementRule> effective(Collection<PlacementRule> covering) {
        List<PlacementRule> found = new ArrayList<>();
        for (PlacementRule rule : covering) {
            if (groupOf(rule).override()) {
                found.removeIf(before -> !before.group().equals(rule.group()));
            }
            if (rule.override()) {
                found.removeIf(before -> before.group().equals(rule.group()));
            }
            found.add(rule);
        }
        return List.copyOf(found);
    }

    private static void check(ByteKey border, List<PlacementRule> effective) {
        long leaders = effective.stream()
                .filter(rule -> rule.role() == PlacementRule.Role.LEADER)
                .count();
        if (leaders > 1) {
            throw new IllegalArgumentException(
                    "more than one placement rule asks for the leader of the same keys: " + names(effective));
        }
        if (!effective.isEmpty()
                && effective.stream().noneMatch(rule -> rule.role().mayLead())) {
            throw new IllegalArgumentException(
                    "nobody may lead where these placement rules hold alone: " + names(effective));
        }
    }

    private static List<String> names(List<PlacementRule> rules) {
        return rules.stream().map(PlacementRule::name).toList();
    }

    public boolean isEmpty() {
        return rules.isEmpty();
    }

    /** The first key from which on no rule holds; empty if there is a rule for every key. */
    public Optional<ByteKey> firstHole() {
        return fromBorder.entrySet().stream()
                .filter(entry -> entry.getValue().isEmpty())
                .map(Map.Entry::getKey)
                .findFirst();
    }

    /** In the order in which they are looked at: by group, index and id. */
    public List<PlacementRule> all() {
        return rules;
    }

    public Optional<PlacementRule> find(String group, String id) {
        return rules.stream()
                .filter(rule -> rule.group().equals(group) && rule.id().equals(id))
                .findFirst();
    }

    /**
     * The rules that hold for a Region, in order; as at its first key, if it reaches over a border.
     *
     * @param otherwise what holds where no rule does
     */
    public List<PlacementRule> at(ByteKey startKey, PlacementRule otherwise) {
        List<PlacementRule> found = fromBorder.floorEntry(startKey).getValue();
        return found.isEmpty() ? List.of(otherwise) : found;
    }

    /** Borders inside the range: where a Region with this range should be split. */
    public List<ByteKey> bordersWithin(KeyRange range) {
        Map<ByteKey, List<PlacementRule>> behind = range.end().isEmpty()
                ? fromBorder.tailMap(range.start(), false)
                : fromBorder.subMap(range.start(), false, range.end(), false);
        return List.copyOf(behind.keySet());
    }
}
