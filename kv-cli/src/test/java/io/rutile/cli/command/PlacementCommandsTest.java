package io.rutile.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonParser;
import io.rutile.cli.command.FakePd.Run;
import java.io.IOException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PlacementCommandsTest {

    private static final String STORE = "{\"store\":{\"id\":4,\"address\":\"10.0.0.4:20160\",\"state_name\":\"%s\","
            + "\"labels\":[{\"key\":\"zone\",\"value\":\"z1\"}]},\"status\":{\"capacity\":\"100GiB\",\"available\":\"97GiB\","
            + "\"used_size\":\"1.5GiB\",\"leader_count\":%d,\"region_count\":%d,\"region_size\":96,\"uptime\":\"1h0m0s\"}}";
    private static final String REGION =
            "{\"id\":10,\"start_key\":\"\",\"end_key\":\"7480000000000000FF0E5F698000000000FF\","
                    + "\"peers\":[{\"id\":1,\"store_id\":1,\"role_name\":\"Voter\"},{\"id\":2,\"store_id\":4,\"role_name\":\"Voter\"}],"
                    + "\"leader\":{\"id\":2,\"store_id\":4},\"down_peers\":[{\"down_seconds\":5,\"peer\":{\"id\":1}}],"
                    + "\"written_bytes\":2048,\"read_bytes\":10,\"written_keys\":7,\"read_keys\":1,"
                    + "\"approximate_size\":96,\"approximate_keys\":1234}";

    private FakePd pd;

    @BeforeEach
    void start() throws IOException {
        pd = new FakePd();
    }

    @AfterEach
    void stop() {
        pd.close();
    }

    @Test
    void storesAreATable() {
        pd.answer("GET /stores?state=Up&state=Down", "{\"count\":1,\"stores\":[" + STORE.formatted("Up", 3, 9) + "]}");

        Run run = pd.run(new StoresCommand(), "--state=Up,Down");

        assertThat(run.out()).isEqualTo("""
                        STORE  ADDRESS         STATE  LEADERS  REGIONS  SIZE MIB    USED  AVAILABLE  UPTIME  LABELS
                            4  10.0.0.4:20160  Up           3        9        96  1.5GiB      97GiB  1h0m0s  zone=z1
                        """);
        assertThat(run.code()).isZero();
    }

    @Test
    void jsonIsWhatWasAnswered() {
        String answer = "{\"count\":1,\"stores\":[" + STORE.formatted("Up", 3, 9) + "]}";
        pd.answer("GET /stores", answer);

        Run run = pd.run(new StoresCommand(), "--json");

        assertThat(JsonParser.parseString(run.out())).isEqualTo(JsonParser.parseString(answer));
    }

    @Test
    void regionsAreATableThatSaysWhatItLeavesOut() {
        pd.answer("GET /regions/store/4?limit=1", "{\"count\":2,\"regions\":[" + REGION + "]}");

        Run run = pd.run(new RegionsCommand(), "--store=4", "--limit=1");

        assertThat(run.out()).isEqualTo("""
                        REGION  START  END                       LEADER  STORES  SIZE MIB  KEYS  TROUBLE
                            10  -      7480000000000000FF0E5F6…       4  1,4           96  1234  1 down
                        1 of 2 regions
                        """);
        assertThat(pd.run(new RegionsCommand(), "--store=4", "--check=miss-peer")
                        .code())
                .isEqualTo(2);
        assertThat(pd.run(new RegionsCommand(), "--check=../stores").code()).isEqualTo(2);
    }

    @Test
    void oneRegionSaysWhatIsDoneForIt() {
        pd.answer("GET /region/id/10", REGION)
                .answer(
                        "GET /region/id/10/why",
                        "{\"region_id\":10,\"healthy\":false,\"action\":\"nothing\","
                                + "\"reason\":\"2 of 3 replicas, but no store can take one\"}")
                .answer("GET /region/id/11", "null");

        assertThat(pd.run(new RegionsCommand(), "10").out())
                .endsWith("\n\nnothing: 2 of 3 replicas, but no store can take one\n");
        assertThat(pd.run(new RegionsCommand(), "11").err()).isEqualTo("rutile: nobody has reported a region 11\n");
    }

    @Test
    void operatorsAreATableAndCanBeCalledOff() {
        pd.answer(
                        "GET /operators?object=true",
                        "[{\"region_id\":10,\"desc\":\"2 of 3 replicas\",\"age_seconds\":7,"
                                + "\"steps\":[\"add peer 9 on store 4\",\"remove peer 1 from store 1\"],"
                                + "\"current_step\":\"remove peer 1 from store 1\"}]")
                .answer("DELETE /operators/10", "\"The pending operator is canceled.\"");

        assertThat(pd.run(new OperatorsCommand()).out()).isEqualTo("""
                        REGION  FOR  NOW                         STEPS  WHY
                            10   7s  remove peer 1 from store 1    2/2  2 of 3 replicas
                        """);
        assertThat(pd.run(new OperatorsCommand(), "--cancel=10").code()).isZero();
        assertThat(pd.run(new OperatorsCommand(), "--cancel=11").err())
                .isEqualTo("rutile: the Placement Driver says: no such call\n");
    }

    @Test
    void membersAreATableAndCanBeRemoved() {
        String first =
                "{\"name\":\"pd-1\",\"member_id\":1,\"peer_urls\":[\"http://a:2380\"],\"client_urls\":[\"http://a:2379\"]}";
        pd.answer(
                        "GET /members",
                        "{\"members\":[" + first
                                + ",{\"name\":\"pd-4\",\"member_id\":4,\"peer_urls\":[\"http://b:2380\"],"
                                + "\"client_urls\":[],\"is_learner\":true}],\"leader\":" + first + "}")
                .answer(
                        "GET /health",
                        "[{\"name\":\"pd-1\",\"member_id\":1,\"health\":true},{\"name\":\"pd-4\",\"member_id\":4,\"health\":false}]")
                .answer("DELETE /members/id/4", "\"member 4 is removed\"")
                .answer("DELETE /members/id/1", 403, "\"member 1 is the last one\"");

        assertThat(pd.run(new MembersCommand()).out()).isEqualTo("""
                        MEMBER  NAME  ROLE     ANSWERS  CLIENTS        RAFT
                             1  pd-1  leader   yes      http://a:2379  http://a:2380
                             4  pd-4  learner  no       -              http://b:2380
                        """);
        assertThat(pd.run(new MembersCommand(), "--remove=4").out())
                .isEqualTo("member 4 is out; its process can be stopped\n");
        assertThat(pd.run(new MembersCommand(), "--remove=1").err())
                .isEqualTo("rutile: the Placement Driver says: member 1 is the last one\n");
    }

    @Test
    void topIsATable() {
        pd.answer("GET /regions/readflow?limit=5", "{\"count\":1,\"regions\":[" + REGION + "]}");

        assertThat(pd.run(new TopCommand(), "--by=read", "--limit=5").out()).isEqualTo("""
                        REGION  LEADER  WRITTEN  READ  KEYS WRITTEN  KEYS READ  SIZE MIB  KEYS
                            10       4   2.0KiB   10B             7          1        96  1234
                        """);
    }

    @Test
    void drainWatchesUntilTheStoreIsATombstone() {
        pd.answer("GET /store/4", STORE.formatted("Up", 1, 2))
                .answer("GET /store/4", STORE.formatted("Offline", 1, 2))
                .answer("GET /store/4", STORE.formatted("Offline", 0, 1))
                .answer("GET /store/4", STORE.formatted("Tombstone", 0, 0))
                .answer("DELETE /store/4", "\"The store is set as Offline.\"");

        Run run = pd.run(new DrainCommand(), "4");

        assertThat(run.code()).isZero();
        assertThat(run.out()).isEqualTo("store 4 is empty and out of the cluster; its process can be stopped\n");
        assertThat(run.err()).isEqualTo("""
                        store 4: 2 regions left, 1 of them led there
                        store 4: 1 regions left, 0 of them led there
                        store 4: 0 regions left, 0 of them led there
                        """);
        assertThat(pd.calls.stream().filter("DELETE /store/4"::equals)).hasSize(1);
    }

    @Test
    void drainThatTakesTooLongSaysWhatHoldsIt() {
        pd.answer("GET /store/4", STORE.formatted("Offline", 1, 2))
                .answer("DELETE /store/4", "\"The store is set as Offline.\"")
                .answer("GET /regions/store/4?limit=1", "{\"count\":2,\"regions\":[" + REGION + "]}")
                .answer(
                        "GET /region/id/10/why",
                        "{\"region_id\":10,\"healthy\":false,\"action\":\"nothing\","
                                + "\"reason\":\"no store can take one\"}");

        Run run = pd.run(new DrainCommand(), "4", "--within=0");

        assertThat(run.code()).isEqualTo(1);
        assertThat(run.err())
                .endsWith("rutile: store 4 still holds 2 regions after 0 s and goes on leaving; region 10: nothing, "
                        + "no store can take one; rutile drain 4 --cancel keeps it\n");
    }

    @Test
    void drainIsRefusedOrTakenBack() {
        pd.answer("GET /store/4", STORE.formatted("Up", 1, 2))
                .answer("DELETE /store/4", 403, "\"store 4 cannot be emptied: 2 other stores are up\"")
                .answer("POST /store/4/state?state=Up", "\"The store's state is updated.\"");

        Run refused = pd.run(new DrainCommand(), "4");
        assertThat(refused.code()).isEqualTo(1);
        assertThat(refused.err())
                .isEqualTo("rutile: the Placement Driver says: store 4 cannot be emptied: 2 other stores are up\n");

        assertThat(pd.run(new DrainCommand(), "4", "--cancel").out()).isEqualTo("store 4 stays\n");
    }

    @Test
    void memberThatKnowsNoLeaderOrIsAwayIsPassedOver() throws IOException {
        String answer = "{\"count\":0,\"stores\":[]}";
        try (FakePd other = new FakePd()) {
            pd.answer("GET /stores", 503, "\"not leader\"");
            other.answer("GET /stores", answer);

            Run run = FakePd.runAt("127.0.0.1:1," + pd.endpoint() + "," + other.endpoint(), new StoresCommand());

            assertThat(run.code()).isZero();
        }
        // Elections end: the same member is asked again.
        pd.answer("GET /stores", answer);
        assertThat(pd.run(new StoresCommand()).code()).isZero();
    }

    @Test
    void nobodyThatAnswersIsOneSentence() {
        assertThat(FakePd.runAt("127.0.0.1:1", new StoresCommand()).err())
                .isEqualTo("rutile: no Placement Driver answered in 2 s: 127.0.0.1:1 cannot be reached\n");
        pd.answer("GET /stores", "<html> <body>");
        assertThat(pd.run(new StoresCommand()).err())
                .isEqualTo("rutile: " + pd.endpoint() + " does not speak the Placement Driver's HTTP API\n");
        pd.answer("GET /regions?limit=100", "[]");
        assertThat(pd.run(new RegionsCommand()).err())
                .isEqualTo("rutile: the Placement Driver answered something unexpected to /regions?limit=100\n");
    }
}
