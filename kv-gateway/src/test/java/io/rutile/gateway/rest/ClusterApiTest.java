package io.rutile.gateway.rest;

import static io.rutile.gateway.RunningGateway.json;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.gateway.RunningGateway;
import io.rutile.gateway.console.FakePd;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** {@code /v1/cluster} and {@code /actuator/rutile} over the ports, in front of a PD that says what it is told to. */
class ClusterApiTest {

    private static final FakePd PD = FakePd.withCluster();

    private static RunningGateway gateway;

    @BeforeAll
    static void start() {
        gateway = RunningGateway.start("rutile.gateway.pd-endpoints=127.0.0.1:1," + PD.endpoint());
        PD.says("/regions/key?format=hex&limit=51&key=", "{\"count\":2,\"regions\":[" + both() + "]}")
                .says("/regions/key?format=hex&limit=2&key=", "{\"count\":2,\"regions\":[" + both() + "]}")
                .says("/regions/key?format=hex&limit=51&key=6b31", regions())
                .says("/regions/key?format=hex&limit=51&key=6b31000000000000f9", regions())
                .says("/regions/key?format=hex&limit=51&key=00ff", regions())
                .says("/regions/store/4?limit=50", "{\"count\":7,\"regions\":[" + both() + "]}")
                .says("/regions/check/down-peer?limit=3", regions())
                .says("/regions/writeflow?limit=50", regions());
    }

    @AfterAll
    static void stop() {
        gateway.close();
        PD.close();
    }

    private static String both() {
        return FakePd.region(10, "", "6B") + "," + FakePd.region(11, "6B", "");
    }

    private static String regions() {
        return "{\"count\":1,\"regions\":[" + FakePd.region(11, "6B", "") + "]}";
    }

    @Test
    void theOverviewHasFiguresFaultsAndMembers() {
        JsonNode overview = ok("/v1/cluster");

        assertThat(overview.get("clusterId").asString()).isEqualTo("7612345678901234567");
        assertThat(overview.get("regions").asLong()).isEqualTo(2);
        assertThat(overview.at("/faults/downPeer").asLong()).isEqualTo(1);
        assertThat(overview.at("/members/0/leader").asBoolean()).isTrue();
        assertThat(overview.at("/members/1/healthy").asBoolean()).isFalse();
    }

    /** Labels are whatever somebody set: they travel as text in JSON, of a type that no browser takes for a page. */
    @Test
    void storesHaveSpaceTrafficReasonsAndLabelsAsTheyAre() {
        HttpResponse<byte[]> answer = gateway.get("/v1/cluster/stores");
        JsonNode store = json(answer).get(0);

        assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/json");
        assertThat(answer.headers().firstValue("Cache-Control")).hasValue("no-store");
        assertThat(store.at("/labels/0/value").asString()).isEqualTo("<img src=x onerror=alert(1)>");
        assertThat(store.get("capacityBytes").asLong()).isEqualTo(1_649_267_441_664L);
        assertThat(store.get("regionBytes").asLong()).isEqualTo(5 << 20);
        assertThat(store.get("lastHeartbeatMs").asLong()).isEqualTo(1_700_000_000_123L);
        assertThat(store.at("/traffic/writtenBytes").asDouble()).isEqualTo(1024.5);
        assertThat(store.get("newReplicas").asString()).isEqualTo("is busy");
        assertThat(store.get("receiving").asLong()).isEqualTo(2);
    }

    @Test
    void regionsArePagedByKey() {
        JsonNode first = ok("/v1/cluster/regions?limit=1");

        assertThat(first.get("regions")).hasSize(1);
        assertThat(first.get("count").asLong()).isEqualTo(2);
        assertThat(first.get("next").asString()).isEqualTo("6b");
        JsonNode all = ok("/v1/cluster/regions");
        assertThat(all.get("regions")).hasSize(2);
        assertThat(all.get("next").asString()).isEmpty();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "key=k1,raw text is the border itself",
        "key=k1&as=txn,a transactional key is encoded",
        "key=00ff&enc=hex&as=border,a border is taken as it is",
        "key=AP8&enc=base64url,and so are binary raw keys",
        "check=down-peer&limit=3,by what is wrong",
        "top=written,by traffic"
    })
    void regionsAreFound(String query, String what) {
        assertThat(ok("/v1/cluster/regions?" + query).at("/regions/0/id").asLong())
                .as(what)
                .isEqualTo(11);
    }

    @Test
    void ofAStoreTheCountIsOfAll() {
        assertThat(ok("/v1/cluster/regions?store=4").get("count").asLong()).isEqualTo(7);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "regions?key=abc&enc=hex",
        "regions?key=zz&enc=hex",
        "regions?key=a&enc=latin1",
        "regions?key=a&as=sql",
        "regions?enc=hex",
        "regions?key=a&store=4",
        "regions?store=0",
        "regions?store=-1",
        "regions?store=x",
        "regions?check=../stores",
        "regions?check=rutile",
        "regions?top=cpu",
        "regions?limit=0",
        "regions?limit=501",
        "regions?limit=1e9",
        "regions?limt=5",
        "regions/x",
        "regions/0",
        "regions/99999999999999999999",
        "heat?of=cpu",
        "stores?x=1"
    })
    void whatMakesNoSenseIsSaidSo(String path) {
        HttpResponse<byte[]> answer = gateway.get("/v1/cluster/" + path);

        assertThat(answer.statusCode()).isEqualTo(400);
        assertThat(json(answer).get("type").asString()).isEqualTo("urn:rutile:problem:invalid-request");
    }

    @Test
    void aKeyOfAMegabyteIsRefusedBeforeAnybodyIsAsked() {
        int before = PD.calls.size();

        assertThat(gateway.get("/v1/cluster/regions?key=" + "k".repeat(9_000)).statusCode())
                .isEqualTo(400);
        assertThat(gateway.get("/v1/cluster/regions?key=" + "k".repeat(1 << 20)).statusCode())
                .isBetween(400, 499);

        assertThat(PD.calls).hasSize(before);
    }

    @Test
    void aRegionComesWithItsReasonAndNeighbours() {
        JsonNode detail = ok("/v1/cluster/regions/10");

        assertThat(detail.get("healthy").asBoolean()).isFalse();
        assertThat(detail.get("reason").asString()).isEqualTo("why not");
        assertThat(detail.at("/siblings/0/id").asLong()).isEqualTo(11);
        assertThat(detail.at("/region/peers/1/downSeconds").asLong()).isEqualTo(31);
    }

    @Test
    void anUnknownRegionIsNotFound() {
        HttpResponse<byte[]> answer = gateway.get("/v1/cluster/regions/99");

        assertThat(answer.statusCode()).isEqualTo(404);
        assertThat(json(answer).get("detail").asString()).isEqualTo("region 99 is not known");
    }

    @Test
    void operatorsSchedulingAndHeat() {
        assertThat(ok("/v1/cluster/operators").at("/operators/0/currentStep").asString())
                .isEqualTo("add learner 5");
        JsonNode scheduling = ok("/v1/cluster/scheduling");
        assertThat(scheduling.at("/unhealthy/0/reason").asString()).isEqualTo("no store can take one");
        assertThat(scheduling.at("/stores/0/schedulers/0/value").asString()).isEqualTo("has too little space");
        assertThat(scheduling.at("/evictions/0/leftSeconds").asLong()).isEqualTo(9);
        assertThat(ok("/v1/cluster/heat").at("/columns/0/amounts/0").asLong()).isEqualTo(4096);
    }

    @Test
    void whatPdSaysNoToIsToldInItsWords() {
        HttpResponse<byte[]> answer = gateway.get("/v1/cluster/regions?top=size");

        assertThat(answer.statusCode()).isEqualTo(400);
        assertThat(json(answer).get("detail").asString()).isEqualTo("the Placement Driver says: not found");
    }

    @Test
    void withoutPdThatIsSaidAndThePagesAreThere() {
        RunningGateway alone = RunningGateway.shared();

        HttpResponse<byte[]> answer = alone.get("/v1/cluster");

        assertThat(answer.statusCode()).isEqualTo(503);
        assertThat(json(answer).get("detail").asString())
                .isEqualTo("the Placement Driver does not answer: 127.0.0.1:1 cannot be reached");
        assertThat(alone.get("/console/").statusCode()).isEqualTo(200);
    }

    @Test
    void whoAsksNobodyIsAnyoneAndMayLook() {
        JsonNode caller = ok("/v1/caller");

        assertThat(caller.get("name").asString()).isEqualTo("anyone");
        assertThat(caller.get("asked").asBoolean()).isFalse();
        assertThat(caller.get("admin").asBoolean()).isTrue();
    }

    // ---- the management port

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "'',200,clusterId",
        "/stores,200,capacityBytes",
        "/leaders,200,newLeaders",
        "/operators,200,add learner 5",
        "/scheduling,200,no store can take one",
        "/regions/10,200,why not",
        "/regions/99,404,region 99 is not known",
        "/regions/x,400,positive number",
        "/nothing,404,there are stores",
        "/nothing/4,404,there are stores"
    })
    void theManagementPortTellsTheSame(String path, int status, String contains) {
        HttpResponse<byte[]> answer = manage("GET", path);

        assertThat(new String(answer.body(), StandardCharsets.UTF_8)).contains(contains);
        assertThat(answer.statusCode()).isEqualTo(status);
    }

    @Test
    void aStoreIsDrainedAndKept() {
        PD.says("/store/4", "\"The store is set as Offline.\"")
                .says("/store/4/state?state=Up", "\"The store's state is updated.\"")
                .says("/store/5", 403, "\"can not remove store 5 since there are only 3 stores\"");

        assertThat(manage("POST", "/drain/4").statusCode()).isEqualTo(204);
        assertThat(manage("DELETE", "/drain/4").statusCode()).isEqualTo(204);
        assertThat(PD.calls).contains("DELETE /store/4", "POST /store/4/state?state=Up");

        HttpResponse<byte[]> refused = manage("POST", "/drain/5");
        assertThat(refused.statusCode()).isEqualTo(400);
        assertThat(json(refused).get("detail").asString()).contains("can not remove store 5");
        assertThat(manage("POST", "/stores/4").statusCode()).isEqualTo(404);
    }

    /** Where nobody is asked who they are, a web page could have its visitor's browser drain a store. */
    @Test
    void aPageOfSomeSiteDrainsNothing() {
        int before = PD.calls.size();

        assertThat(manage("POST", "/drain/4", "Origin", "https://example.org").statusCode())
                .isEqualTo(403);

        assertThat(PD.calls).hasSize(before);
        assertThat(manage("GET", "/leaders", "Origin", "https://example.org").statusCode())
                .isEqualTo(200);
    }

    private static HttpResponse<byte[]> manage(String method, String path, String... headers) {
        var request = java.net.http.HttpRequest.newBuilder(
                        java.net.URI.create("http://127.0.0.1:" + gateway.managementPort + "/actuator/rutile" + path))
                .method(method, java.net.http.HttpRequest.BodyPublishers.noBody());
        return gateway.send(headers.length == 0 ? request : request.headers(headers));
    }

    private static JsonNode ok(String path) {
        HttpResponse<byte[]> answer = gateway.get(path);
        assertThat(answer.statusCode())
                .as(new String(answer.body(), StandardCharsets.UTF_8))
                .isEqualTo(200);
        return json(answer);
    }
}
