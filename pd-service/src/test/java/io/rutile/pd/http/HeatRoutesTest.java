package io.rutile.pd.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.pd.cluster.RegionFlow;
import io.rutile.pd.cluster.Regions;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Rutile's own routes: the heat map, and why nothing moves. */
class HeatRoutesTest {

    @TempDir
    Path directory;

    private HttpPd http;

    @BeforeEach
    void start() {
        http = new HttpPd(directory).cluster();
    }

    @AfterEach
    void stop() {
        http.close();
    }

    @Test
    void theHeatMapHasRowsWithRegionsAndColumnsWithTimes() {
        http.observe(Regions.region(11, "g", "p", 2, 3, 1).epoch(5, 2).flow(new RegionFlow(700, 7, 0, 0, 0)));

        JsonNode map = http.get("/hotspot/heat-map?of=written-bytes").json();

        assertThat(map.get("of").asString()).isEqualTo("written-bytes");
        JsonNode rows = map.get("rows");
        assertThat(rows.get(0).get("start_key").asString()).isEmpty();
        assertThat(rows.get(0).get("region_id").asLong()).isEqualTo(10);
        JsonNode columns = map.get("columns");
        JsonNode last = columns.get(columns.size() - 1);
        assertThat(last.get("amounts")).hasSize(rows.size());
        long sum = 0;
        for (JsonNode column : columns) {
            assertThat(column.get("from_ms").asLong())
                    .isLessThanOrEqualTo(column.get("to_ms").asLong());
            for (JsonNode amount : column.get("amounts")) {
                sum += amount.asLong();
            }
        }
        assertThat(sum).isEqualTo(700);
        assertThat(last.get("to_ms").asLong()).isCloseTo(map.get("now_ms").asLong(), within(1_000));
    }

    @ParameterizedTest
    @ValueSource(strings = {"written-keys", "read-bytes", "read-keys"})
    void otherMeasuresAreAskedForByName(String of) {
        assertThat(http.get("/hotspot/heat-map?of=" + of).json().get("of").asString())
                .isEqualTo(of);
    }

    @Test
    void anUnknownMeasureIsSaidSo() {
        assertThat(http.get("/hotspot/heat-map?of=cpu").status()).isEqualTo(400);
        assertThat(http.get("/hotspot/heat-map?of=cpu").said())
                .isEqualTo("of must be one of written-bytes, read-bytes, written-keys, read-keys, not 'cpu'");
    }

    @Test
    void schedulingSaysWhyOfStoresSchedulersAndRegions() {
        http.observe(Regions.region(10, "", "g", 1, 2, 3).epoch(6, 2).pending(2));

        JsonNode report = http.get("/scheduling").json();

        assertThat(report.get("regions").asInt()).isEqualTo(3);
        assertThat(report.get("max_replicas").asInt()).isEqualTo(3);
        assertThat(report.get("stores")).hasSize(4);
        assertThat(report.get("stores").get(3).get("new_replicas").asString()).isNotEmpty();
        assertThat(report.has("schedulers")).isTrue();
        assertThat(report.has("evictions")).isTrue();
        JsonNode unhealthy =
                http.get("/scheduling/regions").json().get("unhealthy").get(0);
        assertThat(unhealthy.get("region_id").asLong()).isEqualTo(10);
        assertThat(unhealthy.get("reason").asString()).isNotEmpty();
        assertThat(http.get("/scheduling/regions?limit=1").json().get("unhealthy"))
                .hasSize(1);
        assertThat(http.get("/scheduling/regions?limit=0").status()).isEqualTo(400);
    }

    private static org.assertj.core.data.Offset<Long> within(long ms) {
        return org.assertj.core.data.Offset.offset(ms);
    }
}
