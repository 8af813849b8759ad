package io.rutile.pd.schedule.placement;

import io.rutile.pd.cluster.StoreInfo;
import io.rutile.pd.meta.PlacementRecord.ChangePlacement;
import io.rutile.pd.meta.PlacementTexts;
import io.rutile.protocol.metapb.StoreState;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The placement rules and groups that somebody wrote, as the hard state keeps them. Immutable; a {@link Draft} makes the next one.
 *
 * <p>Beside them holds {@code pd/default}, as many voters as the replica count says, unless somebody wrote a rule of this name or
 * deleted it.
 *
 * <pre>
 * name := "rule/" group "/" id | "group/" id | "no-default"     group and id percent-encoded; texts as {@link RuleJson}
 * </pre>
 */
public final class RuleBook {

    public static final String DEFAULT_GROUP = "pd";
    public static final String DEFAULT_ID = "default";

    private static final String RULE = "rule/";
    private static final String GROUP = "group/";
    private static final String NO_DEFAULT = "no-default";

    private final PlacementTexts texts;
    private final Map<String, PlacementRule> rules = new TreeMap<>();
    private final Map<String, RuleGroup> groups = new TreeMap<>();

    private RuleBook(PlacementTexts texts) {
        this.texts = texts;
        texts.byName().forEach((name, text) -> {
            if (name.startsWith(RULE)) {
                rules.put(name, RuleJson.rule(RuleJson.parse(text)));
            } else if (name.startsWith(GROUP)) {
                RuleGroup group = RuleJson.group(RuleJson.parse(text));
                groups.put(group.id(), group);
            }
        });
    }

    /** @throws IllegalArgumentException if this version cannot read them */
    public static RuleBook of(PlacementTexts texts) {
        return new RuleBook(texts);
    }

    /** Nobody has said anything. */
    public boolean isEmpty() {
        return texts.byName().isEmpty();
    }

    /** True if the replica count and the location labels of the settings say nothing, for {@code pd/default} was written or deleted. */
    public boolean overridesSettings() {
        return texts.byName().containsKey(NO_DEFAULT) || rules.containsKey(nameOf(DEFAULT_GROUP, DEFAULT_ID));
    }

    /**
     * All rules, in order.
     *
     * @param implied what holds by the settings
     */
    public List<PlacementRule> rules(PlacementRule implied) {
        List<PlacementRule> all = new ArrayList<>(rules.values());
        if (!overridesSettings()) {
            all.add(implied);
        }
        return new PlacementRules(all, groups).all();
    }

    /**
     * The rules, ready to be looked up.
     *
     * @param implied what holds by the settings
     * @throws IllegalArgumentException in words if they make no sense together
     */
    public PlacementRules inForce(PlacementRule implied) {
        PlacementRules all = new PlacementRules(rules(implied), groups);
        all.firstHole().ifPresent(key -> {
            throw new IllegalArgumentException("no placement rule would hold for the keys from "
                    + (key.isEmpty() ? "the first one" : key) + " on");
        });
        return all;
    }

    /** Those of which somebody has said something. */
    public Collection<RuleGroup> groups() {
        return List.copyOf(groups.values());
    }

    /** As somebody said; else with the index 0, and overriding nothing. */
    public RuleGroup group(String id) {
        return groups.getOrDefault(id, RuleGroup.plain(id));
    }

    public Draft edit() {
        return new Draft(this);
    }

    /**
     * Why no stores can satisfy a rule, whatever is moved; empty if some can. A rule that asks nothing of its stores can be
     * satisfied by stores that are yet to come.
     */
    public static Optional<String> objection(PlacementRule rule, Collection<StoreInfo> stores) {
        if (rule.constraints().isEmpty()) {
            return Optional.empty();
        }
        Refusals refusals = new Refusals();
        int fit = 0;
        Set<List<String>> places = new HashSet<>();
        int level = rule.locations().labels().indexOf(rule.locations().isolation());
        for (StoreInfo store : stores) {
            if (store.store().getState() == StoreState.Tombstone) {
                continue;
            }
            String refusal = store.store().getState() == StoreState.Up ? rule.objectionTo(store) : "is leaving";
            if (refusal != null) {
                refusals.add(store.id(), refusal, false);
                continue;
            }
            fit++;
            places.add(rule.locations().labels().subList(0, level + 1).stream()
                    .map(store::label)
                    .toList());
        }
        String asks = "placement rule " + rule.name() + " asks for " + rule.count() + " replicas, but ";
        if (fit < rule.count()) {
            return Optional.of(asks + "only " + fit + " stores may have one: " + refusals);
        }
        return level >= 0 && places.size() < rule.count()
                ? Optional.of(asks + "its stores are in only " + places.size() + " places by "
                        + rule.locations().isolation())
                : Optional.empty();
    }

    private static String nameOf(String group, String id) {
        return RULE + encoded(group) + "/" + encoded(id);
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    /** The next book on its way. Belongs to one request. */
    public static final class Draft {
        private final RuleBook before;
        private final Map<String, String> texts;
        private final Map<String, PlacementRule> written = new LinkedHashMap<>();

        private Draft(RuleBook before) {
            this.before = before;
            this.texts = new HashMap<>(before.texts.byName());
        }

        /**
         * Writes a rule, in the place of the one of this name. {@code pd/default} as it is by the settings is not kept, so that it goes
         * on following them.
         */
        public Draft put(PlacementRule rule, PlacementRule implied) {
            String name = nameOf(rule.group(), rule.id());
            if (rule.equals(implied)) {
                texts.remove(name);
            } else {
                texts.put(name, RuleJson.text(RuleJson.json(rule)));
                written.put(name, rule);
            }
            if (rule.name().equals(implied.name())) {
                texts.remove(NO_DEFAULT);
            }
            return this;
        }

        /** False if there is no such rule. */
        public boolean delete(String group, String id) {
            String name = nameOf(group, id);
            written.remove(name);
            boolean isDefault = group.equals(DEFAULT_GROUP) && id.equals(DEFAULT_ID);
            boolean there = texts.remove(name) != null;
            return isDefault ? texts.put(NO_DEFAULT, "") == null || there : there;
        }

        /** Deletes all rules of a group, and what was said of the group itself. */
        public Draft deleteGroup(String group) {
            for (PlacementRule rule : before.rules.values()) {
                if (rule.group().equals(group)) {
                    delete(group, rule.id());
                }
            }
            if (group.equals(DEFAULT_GROUP)) {
                delete(group, DEFAULT_ID);
            }
            texts.remove(GROUP + encoded(group));
            return this;
        }

        /** Forgets all there is, {@code pd/default} too. */
        public Draft clear() {
            texts.clear();
            written.clear();
            texts.put(NO_DEFAULT, "");
            return this;
        }

        public Draft put(RuleGroup group) {
            texts.put(GROUP + encoded(group.id()), RuleJson.text(RuleJson.json(group)));
            return this;
        }

        /** What was said of a group goes, its rules stay. False if nothing was said. */
        public boolean deleteGroupOnly(String group) {
            return texts.remove(GROUP + encoded(group)) != null;
        }

        /** The rules that this draft wrote. */
        public Collection<PlacementRule> written() {
            return List.copyOf(written.values());
        }

        public boolean isUnchanged() {
            return texts.equals(before.texts.byName());
        }

        /** As it will be. */
        public RuleBook result() {
            return new RuleBook(new PlacementTexts(before.texts.version() + 1, texts));
        }

        /** The decision, which counts only if nobody else has decided in the meantime. */
        public ChangePlacement record() {
            Map<String, String> puts = new TreeMap<>(texts);
            puts.entrySet().removeAll(before.texts.byName().entrySet());
            Set<String> deletes = new TreeSet<>(before.texts.byName().keySet());
            deletes.removeAll(texts.keySet());
            return new ChangePlacement(before.texts.version(), puts, deletes);
        }
    }
}
