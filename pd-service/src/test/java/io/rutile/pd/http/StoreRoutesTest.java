package io.rutile.pd.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.pd.cluster.Regions;
import io.rutile.pd.http.HttpPd.Answer;
import io.rutile.pd.rpc.LocalPd;
import io.rutile.protocol.metapb.StoreState;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class StoreRoutesTest {

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
    void storesAreListedAsToolsReadThem() {
        JsonNode answer = http.get("/stores").json();

        assertThat(answer.get("count").asInt()).isEqualTo(4);
        JsonNode first = answer.get("stores").get(0);
        assertThat(first.get("store").get("id").asLong()).isEqualTo(1);
        assertThat(first.get("store").get("state_name").asString()).isEqualTo("Up");
        assertThat(first.get("store").get("address").asString()).isEqualTo("127.0.0.1:20001");
        JsonNode status = first.get("status");
        assertThat(status.get("capacity").asString()).isEqualTo("100GiB");
        assertThat(status.get("used_size").asString()).isEqualTo("1.5GiB");
        assertThat(status.get("region_count").asInt()).isEqualTo(3);
        assertThat(status.get("leader_count").asInt()).isEqualTo(1);
        assertThat(status.get("start_ts").asString()).isEqualTo("2023-11-14T22:13:20Z");
        assertThat(status.get("uptime").asString()).endsWith("s");
        assertThat(answer.get("stores").get(3).get("status").get("region_count").asInt())
                .isZero();
    }

    @Test
    void storesAreFilteredByState() {
        assertThat(http.delete("/store/4").said()).isEqualTo("The store is set as Offline.");

        // Store 4 is empty: after a moment it is a tombstone, which is listed only if asked for.
        Awaitility.await()
                .atMost(LocalPd.PATIENCE)
                .until(() -> ids("/stores?state=Tombstone").equals(List.of(4L)));
        assertThat(ids("/stores")).containsExactly(1L, 2L, 3L);
        assertThat(ids("/stores?state=2")).containsExactly(4L);
        assertThat(ids("/stores?state=0&state=2")).containsExactly(1L, 2L, 3L, 4L);
        assertThat(ids("/stores/check?state=Up,Tombstone")).containsExactly(1L, 2L, 3L, 4L);
        assertThat(ids("/stores?state=removed")).containsExactly(4L);
        assertThat(http.get("/stores?state=happy")).satisfies(answer -> {
            assertThat(answer.status()).isEqualTo(400);
            assertThat(answer.said()).isEqualTo("unknown state 'happy'");
        });
    }

    @Test
    void storeLeavesComesBackAndIsBuriedWhenItIsEmpty() {
        http.observe(Regions.region(12, "p", "", 3, 1, 4).epoch(6, 2)).heard(4, 1);
        assertThat(http.delete("/store/4").status()).isEqualTo(200);
        assertThat(http.get("/store/4").json().get("store").get("state_name").asString())
                .isEqualTo("Offline");

        assertThat(http.post("/store/4/state?state=Up", "").said()).isEqualTo("The store's state is updated.");
        assertThat(http.get("/store/4").json().get("store").get("state_name").asString())
                .isEqualTo("Up");

        assertThat(http.delete("/store/4").status()).isEqualTo(200);
        http.observe(Regions.region(12, "p", "", 3, 1, 2).epoch(8, 2)).heard(4, 0);
        Awaitility.await()
                .atMost(LocalPd.PATIENCE)
                .until(() ->
                        Objects.requireNonNull(http.pd.meta.state().store(4)).getState() == StoreState.Tombstone);
        assertThat(http.delete("/store/4").status()).isEqualTo(410);
        assertThat(http.post("/store/4/state?state=Up", "").status()).isEqualTo(410);

        assertThat(http.delete("/stores/remove-tombstone").said())
                .isEqualTo("Remove tombstone successfully. 1 removed.");
        assertThat(http.get("/store/4").status()).isEqualTo(404);
    }

    @Test
    void storeThatIsNeededIsNotEmptied() {
        http.delete("/store/4");

        Answer refused = http.delete("/store/3");

        assertThat(refused.status()).isEqualTo(403);
        assertThat(refused.said()).startsWith("store 3 cannot be emptied: 2 other stores are up");
        assertThat(http.delete("/store/3?force=true").status()).isEqualTo(200);
        assertThat(http.post("/store/3/state?state=Up", "").status()).isEqualTo(410);
    }

    @Test
    void unknownStoreIsSaidSo() {
        for (Answer answer : List.of(
                http.get("/store/99"),
                http.delete("/store/99"),
                http.post("/store/99/label", "{\"zone\":\"z1\"}"),
                http.post("/store/99/state?state=Up", ""))) {
            assertThat(answer.status()).isEqualTo(404);
            assertThat(answer.said()).isEqualTo("store 99 not found");
        }
        assertThat(http.get("/store/x").said()).isEqualTo("id must be a positive number, not 'x'");
        assertThat(http.post("/store/1/state?state=Tombstone", "").status()).isEqualTo(400);
    }

    @Test
    void labelsAreSetListedAndDeleted() {
        assertThat(http.post("/store/1/label", "{\"zone\":\"z1\",\"disk\":\"ssd\"}")
                        .status())
                .isEqualTo(200);
        assertThat(http.post("/store/2/label", "{\"zone\":\"z2\"}").status()).isEqualTo(200);

        assertThat(ids("/labels/stores?name=zone&value=z1")).containsExactly(1L);
        assertThat(ids("/labels/stores?name=zone")).containsExactly(1L, 2L);
        assertThat(http.get("/labels").json()).hasSize(3);

        assertThat(http.call("DELETE", "/store/1/label", "\"disk\"").status()).isEqualTo(200);
        assertThat(http.post("/store/2/label?force=true", "{\"rack\":\"r1\"}").status())
                .isEqualTo(200);
        assertThat(http.get("/labels").text())
                .isEqualTo("[{\"key\":\"zone\",\"value\":\"z1\"},{\"key\":\"rack\",\"value\":\"r1\"}]");
        assertThat(http.post("/store/1/label", "{\"zone\":5}").status()).isEqualTo(400);
        assertThat(http.post("/store/1/label", "{\"bad name\":\"x\"}").status()).isEqualTo(400);
        assertThat(http.post("/store/1/label", "zone").said()).startsWith("the body is not JSON");
        assertThat(http.post("/store/1/label", "[".repeat(100)).status()).isEqualTo(400);
    }

    private List<Long> ids(String path) {
        List<Long> ids = new ArrayList<>();
        for (JsonNode store : http.get(path).json().get("stores")) {
            ids.add(store.get("store").get("id").asLong());
        }
        return ids;
    }
}
