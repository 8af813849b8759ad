package io.rutile.pd.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.pd.cluster.Regions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

class RegionRoutesTest {

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
    void regionIsShownAsToolsReadIt() {
        assertThat(http.get("/region/id/11").text())
                .isEqualTo(
                        "{\"id\":11,\"start_key\":\"67\",\"end_key\":\"70\",\"epoch\":{\"conf_ver\":5,\"version\":2},"
                                + "\"peers\":[{\"id\":112,\"store_id\":2,\"role_name\":\"Voter\"},"
                                + "{\"id\":113,\"store_id\":3,\"role_name\":\"Voter\"},"
                                + "{\"id\":111,\"store_id\":1,\"role_name\":\"Voter\"}],"
                                + "\"leader\":{\"id\":112,\"store_id\":2,\"role_name\":\"Voter\"},"
                                + "\"cpu_usage\":0,\"written_bytes\":0,\"read_bytes\":0,\"written_keys\":0,\"read_keys\":0,"
                                + "\"approximate_size\":0,\"approximate_keys\":0,\"approximate_bytes\":0}");
    }

    @ParameterizedTest
    @CsvSource({
        "/regions,10 11 12",
        "/regions?limit=2,10 11",
        "/regions/store/1,10 11 12",
        "/regions/store/4,''",
        "/regions/sibling/11,10 12",
        "/regions/sibling/10,11",
        "/regions/key?key=h&end_key=z,11 12",
        "/regions/key?key=h&limit=1,11",
        "/regions/key?key=68&format=hex&end_key=69,11",
        "/regions/check/miss-peer,''",
        "/regions/check/extra-peer,''",
        "/regions/check/down-peer,''",
        "/regions/check/pending-peer,''",
        "/regions/check/learner-peer,''",
        "/regions/check/offline-peer,''",
        "/regions/check/empty-region,10 11 12",
        "/regions/check/oversized-region,''",
        "/regions/check/undersized-region,10 11 12"
    })
    void regionsAreFound(String path, String ids) {
        assertThat(ids(path)).isEqualTo(ids);
    }

    @Test
    void regionsThatAreNotAsTheyShouldBeAreFound() {
        http.observe(Regions.region(10, "", "g", 1, 2).epoch(6, 2).pending(2));

        assertThat(ids("/regions/check/miss-peer")).isEqualTo("10");
        assertThat(ids("/regions/check/pending-peer")).isEqualTo("10");
        JsonNode region = http.get("/region/id/10").json();
        assertThat(region.get("pending_peers").get(0).get("store_id").asLong()).isEqualTo(2);
        JsonNode why = http.get("/region/id/10/why").json();
        assertThat(why.get("healthy").asBoolean()).isFalse();
        assertThat(why.get("reason").asString()).contains("peer 102 on store 2 has not caught up yet");
    }

    @Test
    void keyOfAnyBytesFindsItsRegion() {
        assertThat(id("/region/key/")).isEqualTo(10);
        assertThat(id("/region/key/a%2Fb")).isEqualTo(10);
        assertThat(id("/region/key/%67")).isEqualTo(11);
        assertThat(id("/region/key/%ff%00")).isEqualTo(12);
        assertThat(id("/region/key/FF00?format=hex")).isEqualTo(12);
        assertThat(http.get("/region/key/xyz?format=hex").status()).isEqualTo(400);
    }

    @Test
    void greatestComeFirst() {
        http.observe(Regions.region(11, "g", "p", 2, 3, 1).epoch(9, 3));
        http.observe(Regions.region(12, "p", "", 3, 1, 2).epoch(7, 4));

        assertThat(ids("/regions/confver?limit=2")).isEqualTo("11 12");
        assertThat(ids("/regions/version?limit=1")).isEqualTo("12");
        assertThat(ids("/regions/size?limit=1")).hasSize(2);
        assertThat(http.get("/regions/size?limit=0").status()).isEqualTo(400);
        assertThat(http.get("/regions/writeflow").json().get("count").asInt()).isEqualTo(3);
        assertThat(http.get("/regions/cpu").status()).isEqualTo(501);
    }

    @Test
    void holesAndSumsOfARange() {
        assertThat(http.get("/regions/range-holes").text()).isEqualTo("[]");
        assertThat(http.get("/stats/region?start_key=h").json().get("count").asInt())
                .isEqualTo(2);
        assertThat(http.get("/stats/region")
                        .json()
                        .get("store_peer_count")
                        .get("1")
                        .asInt())
                .isEqualTo(3);
        assertThat(http.get("/regions/check/hist-size?bound=5").text())
                .isEqualTo("[{\"start\":0,\"end\":4,\"count\":3}]");
        http.observe(Regions.region(13, "h", "k", 1, 2, 3).epoch(5, 9));
        assertThat(http.get("/regions/range-holes").text()).isEqualTo("[[\"67\",\"68\"],[\"6B\",\"70\"]]");
    }

    @Test
    void unknownRegionIsNullOrSaidSo() {
        assertThat(http.get("/region/id/99").text()).isEqualTo("null");
        assertThat(http.get("/regions/sibling/99").status()).isEqualTo(404);
        assertThat(http.get("/region/id/99/why").said()).isEqualTo("region 99 not found");
        assertThat(http.get("/region/id/-1").status()).isEqualTo(400);
        assertThat(http.get("/regions/key?key=b&end_key=a").said()).isEqualTo("the range begins behind its end");
    }

    private long id(String path) {
        return http.get(path).json().get("id").asLong();
    }

    private String ids(String path) {
        List<String> ids = new ArrayList<>();
        for (JsonNode region : http.get(path).json().get("regions")) {
            ids.add(region.get("id").asString());
        }
        return String.join(" ", ids);
    }
}
