package io.rutile.pd.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.pd.cluster.Regions;
import io.rutile.pd.http.HttpPd.Answer;
import io.rutile.pd.schedule.operator.Operator;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

class OperatorRoutesTest {

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

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'name':'transfer-leader','region_id':10,'to_store_id':2}|[transfer leader to peer 102 on store 2]",
                "{'name':'remove-peer','region_id':10,'store_id':3}|[remove peer 103 from store 3]",
                "{'name':'add-peer','region_id':10,'store_id':4}|[add learner N on store 4, promote learner N on store 4]",
                "{'name':'transfer-peer','region_id':10,'from_store_id':2,'to_store_id':4}"
                        + "|[add learner N on store 4, promote learner N on store 4 and remove peer 102 from store 2 at once]",
                "{'name':'transfer-region','region_id':10,'to_store_ids':[1,2,4]}"
                        + "|[add learner N on store 4, promote learner N on store 4 and remove peer 103 from store 3 at once]",
                "{'name':'transfer-peer','region_id':10,'from_store_id':1,'to_store_id':4}"
                        + "|[add learner N on store 4, transfer leader to peer 102 on store 2, "
                        + "promote learner N on store 4 and remove peer 101 from store 1 at once]",
                "{'name':'add-learner','region_id':10,'store_id':4}|[add learner N on store 4]",
                "{'name':'split-region','region_id':10,'policy':'usekey','keys':['62','63']}|[split into 3]",
                "{'name':'split-region','region_id':10,'policy':'approximate'}|[split in the middle]"
            })
    void operatorIsMadeOfWhatIsAskedFor(String body, String steps) {
        Answer answer = http.post("/operators", body.replace('\'', '"'));

        assertThat(answer.said()).isEqualTo("The operator is created.");
        Operator made = Objects.requireNonNull(http.pd.term().operators().operatorOf(10));
        assertThat(made.steps().toString().replaceAll("learner \\d+", "learner N"))
                .isEqualTo(steps);
        assertThat(http.get("/operators/10").said()).startsWith("status: RUNNING, operator: ");
        assertThat(http.get("/operators?kind=admin").json()).hasSize(1);
        JsonNode shown = http.get("/operators?object=true").json().get(0);
        assertThat(shown.get("region_id").asLong()).isEqualTo(10);
        assertThat(shown.get("steps")).hasSize(made.steps().size());

        assertThat(http.post("/operators", body.replace('\'', '"')).status())
                .as("a second one")
                .isEqualTo(503);
        assertThat(http.delete("/operators/10").said()).isEqualTo("The pending operator is canceled.");
        assertThat(http.get("/operators?kind=admin").text()).isEqualTo("[]");
        assertThat(http.delete("/operators/10").status()).isEqualTo(404);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'name':'transfer-leader','region_id':99,'to_store_id':2}|404|region 99 not found",
                "{'name':'transfer-leader','region_id':10,'to_store_id':4}|400|region 10 has no peer on store 4",
                "{'name':'transfer-leader','region_id':10,'to_store_id':1}|400|store 1 leads region 10 already",
                "{'name':'transfer-leader','region_id':10}|400|to_store_id must be a positive number",
                "{'name':'add-peer','region_id':10,'store_id':77}|404|store 77 not found",
                "{'name':'add-peer','region_id':10,'store_id':2}|400|region 10 has a peer on store 2 already",
                "{'name':'remove-peer','region_id':10,'store_id':4}|400|region 10 has no peer on store 4",
                "{'name':'transfer-region','region_id':10,'to_store_ids':[1,2,3]}|400|region 10 is on these stores already",
                "{'name':'transfer-region','region_id':10,'to_store_ids':[4]}|403"
                        + "|one of the peers of region 10 must stay: move it in two steps",
                "{'name':'transfer-region','region_id':10,'to_store_ids':[]}|400|to_store_ids must be 1 to 9 numbers of stores",
                "{'name':'merge-region','region_id':10}|400|source_region_id must be a positive number",
                "{'name':'merge-region','source_region_id':10}|400|target_region_id must be a positive number",
                "{'name':'merge-region','source_region_id':99,'target_region_id':10}|404|region 99 not found",
                "{'name':'merge-region','source_region_id':10,'target_region_id':10}"
                        + "|400|region 10 can't be merged into itself",
                "{'name':'merge-region','source_region_id':10,'target_region_id':12}|400|regions 10 and 12 are no neighbours",
                "{'name':'split-region','region_id':10,'policy':'usekey','keys':['67']}|400|a key is not inside region 10",
                "{'name':'split-region','region_id':10,'policy':'usekey','keys':['6']}|400|the key is not hex",
                "{'name':'split-region','region_id':10,'policy':'usekey'}|400|keys must be 1 to 64 keys in hex",
                "{'name':'split-region','region_id':10,'policy':'half'}"
                        + "|400|policy must be usekey, scan or approximate, not 'half'",
                "{'name':'scatter-region','region_id':99}|404|region 99 not found",
                "{'name':'scatter-regions','region_ids':['x']}|400|region_ids must be numbers of regions",
                "{'name':'explode','region_id':10}|400|unknown operator 'explode'",
                "{'region_id':10}|400|name must be a text",
                "[]|400|the body must be a JSON object"
            })
    void operatorThatCannotBeIsRefused(String body, int status, String said) {
        Answer answer = http.post("/operators", body.replace('\'', '"'));

        assertThat(answer.status()).isEqualTo(status);
        assertThat(answer.said()).isEqualTo(said);
    }

    @Test
    void neighboursAreMerged() {
        Answer answer =
                http.post("/operators", "{\"name\":\"merge-region\",\"source_region_id\":11,\"target_region_id\":10}");

        assertThat(answer.said()).isEqualTo("The operator is created.");
        assertThat(http.get("/operators/11").said()).contains("merge into region 10");
        assertThat(http.get("/operators/10").said()).contains("absorb region 11");
        assertThat(http.delete("/operators/10").status()).isEqualTo(200);
        assertThat(http.get("/operators/11").status())
                .as("neither goes on alone")
                .isEqualTo(404);
    }

    @Test
    void onlyWholeRegionsOnTheSameStoresAreMerged() {
        String order = "{\"name\":\"merge-region\",\"source_region_id\":11,\"target_region_id\":10}";
        http.observe(Regions.region(10, "", "g", 1, 2, 4).epoch(6, 2));
        assertThat(http.post("/operators", order).said()).contains("on different stores");

        http.observe(Regions.region(10, "", "g", 1, 2, 3).epoch(7, 2).pending(3));
        assertThat(http.post("/operators", order).said()).contains("region 10 isn't whole");
    }

    @Test
    void regionsAreScattered() {
        assertThat(http.post("/operators", "{\"name\":\"scatter-region\",\"region_id\":10}")
                        .said())
                .isEqualTo("The operator is created.");

        Answer some = http.post("/operators", "{\"name\":\"scatter-regions\",\"region_ids\":[11,99],\"group\":\"g\"}");
        assertThat(some.json().get("finished-percentage").asInt()).isEqualTo(50);
        assertThat(some.json().get("failures-count").asInt()).isEqualTo(1);
        Answer range = http.post("/operators", "{\"name\":\"scatter-regions\",\"start_key\":\"71\",\"end_key\":\"\"}");
        assertThat(range.json().get("finished-percentage").asInt()).isEqualTo(100);
    }

    @Test
    void majorityIsNeverGivenUpD2() {
        // Stores 8 and 9 were never heard of: of peers on 1, 8 and 9 only one is up.
        http.observe(Regions.region(10, "", "g", 1, 8, 9).epoch(6, 2));

        Answer refused = http.post("/operators", "{\"name\":\"remove-peer\",\"region_id\":10,\"store_id\":8}");

        assertThat(refused.status()).isEqualTo(403);
        assertThat(refused.said()).isEqualTo("region 10 would be left with no majority on stores that are up");
    }
}
