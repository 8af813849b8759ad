package io.rutile.cli.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.cli.observe.PromQuery.Selector;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PromQueryTest {

    @Test
    void metricsAndTheirLabelsAreFoundAmongFunctionsStringsAndRanges() {
        PromQuery query =
                PromQuery.parse("histogram_quantile(0.99, sum by (le, rpc) (rate(kv_a_bucket{job=\"}{by(x)\", "
                        + "rpc=~'Raw.*'}[5m]))) > 1e3 and on (instance) kv_b{} offset 5m or vector(0)");

        assertThat(query.selectors())
                .containsExactly(new Selector("kv_a_bucket", Set.of("job", "rpc")), new Selector("kv_b", Set.of()));
        assertThat(query.grouping()).containsExactly("instance", "le", "rpc");
    }

    @Test
    void variablesOfDashboardsMayStandInRangesAndValues() {
        PromQuery query = PromQuery.parse("rate(kv_a_total{job=\"$job\"}[$__rate_interval])");

        assertThat(query.selectors()).containsExactly(new Selector("kv_a_total", Set.of("job")));
    }

    @Test
    void metricWithoutASelectorIsRefused() {
        assertThatThrownBy(() -> PromQuery.parse("sum(kv_a) by (job)")).hasMessageContaining("kv_a has no selector");
    }
}
