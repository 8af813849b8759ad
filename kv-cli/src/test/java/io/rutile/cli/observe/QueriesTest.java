package io.rutile.cli.observe;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import io.rutile.cli.observe.AlertRules.Rule;
import io.rutile.cli.observe.MetricCatalogue.Family;
import io.rutile.cli.observe.PromQuery.Selector;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Dashboards and rules ask for metrics and labels that the catalogue has, and always of one cluster. */
class QueriesTest {

    private final MetricCatalogue catalogue = MetricCatalogue.read();
    private final Set<String> recorded = AlertRules.read().stream()
            .filter(rule -> !rule.isAlert())
            .map(Rule::name)
            .collect(Collectors.toSet());

    @Test
    void dashboardsAskForWhatThereIs() {
        assertThat(Dashboards.queries())
                .hasSizeGreaterThan(50)
                .allSatisfy(query -> assertThat(faults(query.expression())).isEmpty());
    }

    @Test
    void rulesAskForWhatThereIs() {
        assertThat(AlertRules.read())
                .isNotEmpty()
                .allSatisfy(rule -> assertThat(faults(rule.expression())).isEmpty());
    }

    @Test
    void mistakesAreFound() {
        assertThat(faults("sum(kv_raft_groups{job=\"x\"})")).isEmpty();
        assertThat(faults("sum by (job, rpc) (rate(kv_rpc_duration_seconds_bucket{job=\"x\",le=\"0.1\"}[5m]))"))
                .isEmpty();
        assertThat(faults("kv_raft_group{job=\"x\"}")).containsExactly("no such metric: kv_raft_group");
        assertThat(faults("kv_raft_groups{instance=\"x\"}")).containsExactly("of which cluster: kv_raft_groups");
        assertThat(faults("kv_raft_groups{job=\"x\",rpc=\"x\"}"))
                .containsExactly("no such label of kv_raft_groups: rpc");
        assertThat(faults("sum by (rpc) (kv_raft_groups{job=\"x\"})")).containsExactly("nothing to group by: rpc");
        assertThat(faults("kv_raft_apply_entries_bucket{job=\"x\"}"))
                .containsExactly("no such metric: kv_raft_apply_entries_bucket");
        assertThat(faults("rate(kv_raft_groups{job=\"x\"}[5m])"))
                .containsExactly("a gauge has no rate: kv_raft_groups");
    }

    @Test
    void dashboardsAreWholeAndOfOneMake() {
        Set<String> uids = new HashSet<>();
        for (Path file : Dashboards.files()) {
            JsonObject dashboard = Dashboards.read(file);
            String uid = dashboard.get("uid").getAsString();
            assertThat(file.getFileName()).hasToString(uid + ".json");
            assertThat(uids.add(uid)).isTrue();
            assertThat(variables(dashboard)).startsWith("datasource", "job");
            assertThat(Dashboards.objects(dashboard, "panels").stream()
                            .map(panel -> panel.get("id").getAsInt()))
                    .doesNotHaveDuplicates();
            assertThat(Dashboards.panels(dashboard)).isNotEmpty().allSatisfy(panel -> {
                assertThat(panel.get("title").getAsString()).isNotBlank();
                assertThat(panel.getAsJsonObject("datasource").get("uid").getAsString())
                        .isEqualTo("${datasource}");
                assertThat(panel.getAsJsonObject("fieldConfig")
                                .getAsJsonObject("defaults")
                                .get("unit")
                                .getAsString())
                        .isNotBlank();
                assertThat(panel.getAsJsonArray("targets")).isNotEmpty();
            });
            if (!variables(dashboard).contains("instance")) {
                assertThat(dashboard.toString()).doesNotContain("$instance");
            }
        }
    }

    private static List<String> variables(JsonObject dashboard) {
        return Dashboards.objects(dashboard.getAsJsonObject("templating"), "list").stream()
                .map(variable -> variable.get("name").getAsString())
                .toList();
    }

    private List<String> faults(String expression) {
        PromQuery query = PromQuery.parse(expression);
        List<String> faults = new ArrayList<>();
        Set<String> known = new TreeSet<>(MetricCatalogue.COMMON_LABELS);
        for (Selector selector : query.selectors()) {
            String metric = selector.metric();
            if (!selector.labels().contains("job")) {
                faults.add("of which cluster: " + metric);
            }
            Optional<Family> family = catalogue.ofSeries(metric);
            Set<String> labels = new TreeSet<>(MetricCatalogue.COMMON_LABELS);
            family.ifPresent(found -> labels.addAll(found.labels()));
            if (metric.endsWith("_bucket")) {
                labels.add("le");
            }
            known.addAll(labels);
            if (family.isEmpty() && !metric.equals("up") && !recorded.contains(metric)) {
                faults.add("no such metric: " + metric);
            } else {
                selector.labels().stream()
                        .filter(label -> !labels.contains(label))
                        .forEach(label -> faults.add("no such label of " + metric + ": " + label));
            }
            boolean isGauge = family.isPresent() && family.get().type().equals("gauge");
            if (isGauge && expression.matches(".*\\b(rate|increase)\\(" + metric + "\\b.*")) {
                faults.add("a gauge has no rate: " + metric);
            }
        }
        query.grouping().stream()
                .filter(label -> !known.contains(label))
                .forEach(label -> faults.add("nothing to group by: " + label));
        return faults;
    }
}
