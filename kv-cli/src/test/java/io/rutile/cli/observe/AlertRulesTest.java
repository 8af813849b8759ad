package io.rutile.cli.observe;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.cli.observe.AlertRules.Rule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AlertRulesTest {

    private static final Path PAGE = Path.of("..", "docs", "operations", "alerts.md");
    private static final Path CASES = Path.of("src", "test", "resources", "alerts-test.yaml");

    private final List<Rule> rules = AlertRules.read();

    @Test
    void everyAlertSaysWhatIsWrongHowBadItIsAndWhatToDo() throws IOException {
        Set<String> headings = Files.readAllLines(PAGE).stream()
                .filter(line -> line.startsWith("## "))
                .map(line -> line.substring(3).toLowerCase(Locale.ROOT))
                .collect(Collectors.toSet());

        assertThat(alerts()).isNotEmpty().allSatisfy(alert -> {
            assertThat(alert.labels().get("severity")).isIn("warning", "critical");
            assertThat(alert.annotations()).containsOnlyKeys("summary", "description", "runbook_url");
            assertThat(alert.annotations().values())
                    .allSatisfy(text -> assertThat(text).isNotBlank());
            assertThat(alert.annotations().get("runbook_url"))
                    .isEqualTo("docs/operations/alerts.md#" + alert.name().toLowerCase(Locale.ROOT));
            assertThat(headings).contains(alert.name().toLowerCase(Locale.ROOT));
        });
        assertThat(headings.stream().filter(heading -> heading.startsWith("rutile")))
                .containsExactlyInAnyOrderElementsOf(alerts().stream()
                        .map(alert -> alert.name().toLowerCase(Locale.ROOT))
                        .toList());
    }

    @Test
    void everyAlertHasACaseInWhichItIsQuietAndOneInWhichItFires() {
        Map<String, Object> cases = AlertRules.load(CASES);

        for (Rule alert : alerts()) {
            String asked = "count(ALERTS{alertname=\"" + alert.name() + "\",alertstate=\"firing\"})";
            assertThat(AlertRules.list(cases.get("tests")).stream()
                            .flatMap(test -> AlertRules.list(test.get("promql_expr_test")).stream())
                            .filter(look -> asked.equals(look.get("expr")))
                            .map(look ->
                                    AlertRules.list(look.get("exp_samples")).isEmpty()))
                    .as(alert.name())
                    .contains(true, false);
        }
    }

    @Test
    void prometheusTakesTheRulesAndTheyFireWhenTheyShould() {
        assertThat(Prometheus.promtool("check", "rules", AlertRules.FILE.toString()))
                .isEmpty();
        assertThat(Prometheus.promtool("test", "rules", CASES.toString())).isEmpty();
    }

    @Test
    void ruleThatIsWrongIsNoticed(@TempDir Path directory) throws IOException {
        Files.writeString(
                directory.resolve("alerts.yaml"),
                Files.readString(AlertRules.FILE)
                        .replace(
                                "kv_raftstore_disk_full{job=\"rutile\"} > 0",
                                "kv_raftstore_disk_full{job=\"rutile\"} > 5"));
        Path cases = Files.writeString(
                directory.resolve("alerts-test.yaml"),
                Files.readString(CASES).replaceFirst("rule_files: .*", "rule_files: [alerts.yaml]"));

        assertThat(Prometheus.promtool("test", "rules", cases.toString()))
                .hasValueSatisfying(said -> assertThat(said).contains("RutileDiskFull"));
    }

    private List<Rule> alerts() {
        return rules.stream().filter(Rule::isAlert).toList();
    }
}
