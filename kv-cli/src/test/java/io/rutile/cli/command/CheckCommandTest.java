package io.rutile.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.rutile.cli.command.FakePd.Run;
import java.io.IOException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** {@code rutile check} against a PD and two nodes that say what they were told to. */
class CheckCommandTest {

    private static final String REGION = "\"regionId\":2,\"startKey\":\"\",\"endKey\":\"\",\"version\":1,\"confVer\":3,"
            + "\"peers\":[{\"id\":21,\"storeId\":1,\"role\":\"Voter\"},{\"id\":22,\"storeId\":2,\"role\":\"Voter\"}]";

    private FakePd pd;
    private FakePd first;
    private FakePd second;

    @BeforeEach
    void start() throws IOException {
        pd = new FakePd();
        first = new FakePd();
        second = new FakePd();
        pd.answer(
                        "GET /stores",
                        "{\"count\":2,\"stores\":[" + store(1, first.endpoint()) + "," + store(2, second.endpoint())
                                + "]}")
                .answer(
                        "GET /regions/key?format=hex&key=&end_key=&limit=1024",
                        "{\"count\":1,\"regions\":[{\"id\":2,\"start_key\":\"\",\"end_key\":\"\","
                                + "\"epoch\":{\"conf_ver\":3,\"version\":1},\"peers\":[{\"store_id\":1},{\"store_id\":2}]}]}");
        first.answer("GET /actuator/consistency", node(1, replica(21, true, "")))
                .answer("POST /actuator/consistency/2", "{\"regionId\":2,\"index\":40}")
                .answer("GET /actuator/consistency/2", replica(21, true, check(39, "aa00")))
                .answer("GET /actuator/consistency/2", replica(21, true, check(40, "1234567890abcdef")));
        second.answer("GET /actuator/consistency", node(2, replica(22, false, "")));
    }

    @AfterEach
    void stop() {
        pd.close();
        first.close();
        second.close();
    }

    private static String store(long id, String statusAddress) {
        return "{\"store\":{\"id\":" + id + ",\"status_address\":\"" + statusAddress + "\"},\"status\":{}}";
    }

    private static String node(long storeId, String replica) {
        return "{\"storeId\":" + storeId + ",\"mismatchedRegions\":[],\"replicas\":[" + replica + "]}";
    }

    private static String replica(long peerId, boolean leader, String check) {
        return "{" + REGION + ",\"peerId\":" + peerId + ",\"leader\":" + leader + check + "}";
    }

    private static String check(long index, String hash) {
        return ",\"check\":{\"index\":" + index + ",\"state\":\"COMPUTED\",\"hash\":\"" + hash
                + "\",\"records\":7,\"bytes\":90}";
    }

    @Test
    void replicasThatAreTheSameAreATable() {
        second.answer(
                        "GET /actuator/consistency/2",
                        replica(22, false, ",\"check\":{\"index\":40,\"state\":\"COMPUTING\"}"))
                .answer("GET /actuator/consistency/2", replica(22, false, check(40, "1234567890abcdef")));

        Run run = pd.run(new CheckCommand(), "--patience=0");

        assertThat(run.out()).isEqualTo("""
                        REGION  LEADER  STORES  INDEX  RECORDS  HASH          RESULT
                             2       1  1,2        40        7  1234567890ab  same

                        all replicas are the same; no hole, no overlap
                        """);
        assertThat(run.code()).isZero();
    }

    @Test
    void aDifferenceIsFound() {
        second.answer("GET /actuator/consistency/2", replica(22, false, check(40, "ffff567890abcdef")));

        Run run = pd.run(new CheckCommand(), "--json");

        JsonObject answer = JsonParser.parseString(run.out()).getAsJsonObject();
        assertThat(answer.getAsJsonArray("findings").get(0).getAsString())
                .isEqualTo("region 2: stores [2] hold something else at index 40 than store 1, which leads");
        assertThat(run.code()).isEqualTo(1);
    }

    @Test
    void aReplicaThatNeverHasAHashIsFound() {
        second.answer(
                "GET /actuator/consistency/2", replica(22, false, ",\"check\":{\"index\":40,\"state\":\"FAILED\"}"));

        Run run = pd.run(new CheckCommand(), "--patience=0");

        assertThat(run.out())
                .contains("not compared")
                .contains("region 2: can't be compared, store 2 has no hash of index 40");
        assertThat(run.code()).isEqualTo(1);
    }

    @Test
    void aNodeThatIsAwayIsFound() {
        String address = second.endpoint();
        second.close();

        Run run = pd.run(new CheckCommand(), "--patience=0");

        assertThat(run.out()).contains("store 2: " + address + " does not answer");
        assertThat(run.code()).isEqualTo(1);
    }
}
