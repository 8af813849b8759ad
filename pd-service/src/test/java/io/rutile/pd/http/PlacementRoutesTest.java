package io.rutile.pd.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.http.HttpPd.Answer;
import io.rutile.pd.meta.MetaRecord;
import io.rutile.pd.meta.PlacementRecord;
import io.rutile.pd.meta.PlacementTexts;
import io.rutile.pd.schedule.Coordinator;
import io.rutile.pd.schedule.operator.Operator;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** Placement rules and groups over HTTP: stores 1 and 2 in zone a, 3 and 4 in zone b. */
class PlacementRoutesTest {

    private static final String DEFAULT =
            "{'group_id':'pd','id':'default','start_key':'','end_key':'','role':'voter','is_witness':false,'count':3}";

    @TempDir
    Path directory;

    private HttpPd http;

    @BeforeEach
    void start() {
        http = new HttpPd(directory).cluster();
        for (long store = 1; store <= 4; store++) {
            http.post("/store/" + store + "/label", json("{'zone':'" + (store <= 2 ? "a" : "b") + "'}"));
        }
    }

    @AfterEach
    void stop() {
        http.close();
    }

    @Test
    void replicaCountIsARuleUntilSomebodyWritesOne() {
        assertThat(http.get("/config/rules").text()).isEqualTo(json("[" + DEFAULT + "]"));
        assertThat(http.post("/config", json("{'max-replicas':5,'location-labels':'zone'}"))
                        .status())
                .isEqualTo(200);
        JsonNode followed = http.get("/config/rule/pd/default").json();
        assertThat(followed.get("count").asInt()).isEqualTo(5);
        assertThat(followed.get("location_labels").get(0).asString()).isEqualTo("zone");

        // Written back as it is, it goes on following the settings; with another count it does not.
        http.post("/config/rule", followed.toString());
        assertThat(http.post("/config", json("{'max-replicas':3}")).status()).isEqualTo(200);
        http.post("/config/rule", json(DEFAULT.replace("'count':3", "'count':1")));
        assertThat(http.get("/config/rule/pd/default").json().get("count").asInt())
                .isEqualTo(1);
        Answer refused = http.post("/config", json("{'max-replicas':5}"));
        assertThat(refused.status()).isEqualTo(403);
        assertThat(refused.said()).contains("pd/default was written or deleted");
        assertThat(http.pd.meta.state().maxReplicas()).isEqualTo(3);
    }

    @Test
    void ruleMovesReplicas() {
        Answer done = http.post(
                "/config/rule",
                json("{'group_id':'t','id':'learn','start_key':'67','end_key':'70','role':'learner','count':1,"
                        + "'label_constraints':[{'key':'zone','op':'in','values':['b']}]}"));

        assertThat(done.said()).isEqualTo("Update rule successfully.");
        assertThat(http.get("/config/rules/key/68").json()).hasSize(2);
        assertThat(http.get("/config/rules/key/61").json()).hasSize(1);
        assertThat(http.get("/config/rules/region/11").json()).hasSize(2);
        assertThat(http.get("/config/rules/group/t").json()).hasSize(1);
        // Region 11 is g to p, and has no learner in zone b yet; 3 is taken, 4 is free.
        Awaitility.await()
                .atMost(Duration.ofSeconds(10))
                .until(() -> http.pd.term().operators().operatorOf(11) != null);
        Operator made = Objects.requireNonNull(http.pd.term().operators().operatorOf(11));
        assertThat(made.steps().toString()).contains("add learner").contains("on store 4");

        assertThat(http.delete("/config/rule/t/learn").said()).isEqualTo("Delete rule successfully.");
        assertThat(http.delete("/config/rule/t/learn").status()).isEqualTo(404);
        assertThat(http.get("/config/rule/t/learn").status()).isEqualTo(404);
        assertThat(http.pd.meta.state().placement().byName()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'group_id':'t','id':'x','role':'voter','count':3,'label_constraints':[{'key':'zone','op':'in','values':['a']}]}"
                        + "|placement rule t/x asks for 3 replicas, but only 2 stores may have one: store 3 has the label zone=b",
                "{'group_id':'t','id':'x','role':'voter','count':2,'location_labels':['zone'],'isolation_level':'zone',"
                        + "'label_constraints':[{'key':'zone','op':'in','values':['a']}]}"
                        + "|placement rule t/x asks for 2 replicas, but its stores are in only 1 places by zone",
                "{'group_id':'t','id':'x','role':'leader','count':2}|placement rule t/x: there is one leader, not 2",
                "{'group_id':'t','id':'x','role':'king','count':2}|role must be voter, leader, follower or learner, not 'king'",
                "{'group_id':'t','id':'x','role':'voter'}|placement rule t/x: the count must be 1 to 15, not 0",
                "{'group_id':'t','id':'x','role':'voter','count':99}|placement rule t/x: the count must be 1 to 15, not 99",
                "{'group_id':'t','id':'x','role':'voter','count':1,'start_key':'70','end_key':'61'}"
                        + "|placement rule t/x: the range ends before it begins",
                "{'group_id':'t','id':'x','role':'voter','count':1,'start_key':'7'}|start_key must be a key in hex",
                "{'group_id':'','id':'x','role':'voter','count':1}|group_id must be 1 to 256 characters of text",
                "{'group_id':'t','id':'x','role':'voter','count':1,'is_witness':true}"
                        + "|placement rule t/x: there are no witnesses",
                "{'group_id':'t','id':'x','role':'voter','count':1,'label_constraints':[{'key':'zone','op':'like'}]}"
                        + "|op must be in, notIn, exists or notExists, not 'like'",
                "{'group_id':'pd','id':'alone','override':true,'index':1,'role':'learner','count':1}"
                        + "|nobody may lead where these placement rules hold alone: [pd/alone]",
                "[]|the body must be a JSON object"
            })
    void ruleThatMakesNoSenseIsRefusedAndWhatIsThereStays(String body, String said) {
        Answer answer = http.post("/config/rule", json(body));

        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.said()).startsWith(said);
        assertThat(http.pd.meta.state().placement().version()).isZero();
        assertThat(http.get("/config/rules").text()).isEqualTo(json("[" + DEFAULT + "]"));
    }

    @Test
    void twoRulesThatBothAskForTheLeaderAreRefusedTogether() {
        String rule = "{'group_id':'t','id':'%s','role':'leader','count':1}";
        assertThat(http.post("/config/rule", json(rule.formatted("one"))).status())
                .isEqualTo(200);

        Answer second = http.post("/config/rule", json(rule.formatted("two")));

        assertThat(second.status()).isEqualTo(400);
        assertThat(second.said()).contains("more than one placement rule asks for the leader of the same keys");
        assertThat(http.get("/config/rules").json()).hasSize(2);
    }

    @Test
    void noKeyIsLeftWithoutARule() {
        Answer refused = http.delete("/config/rule/pd/default");
        assertThat(refused.status()).isEqualTo(400);
        assertThat(refused.said()).isEqualTo("no placement rule would hold for the keys from the first one on");

        // Another one in its place, in one request.
        Answer done = http.post(
                "/config/placement-rule/pd",
                json("{'group_id':'pd','rules':[{'id':'a','role':'voter','count':2,'label_constraints':"
                        + "[{'key':'zone','op':'in','values':['a']}]},{'id':'b','role':'follower','count':1,"
                        + "'label_constraints':[{'key':'zone','op':'in','values':['b']}]}]}"));

        assertThat(done.said()).isEqualTo("Update group and rules successfully.");
        assertThat(http.get("/config/rules").json()).hasSize(2);
        assertThat(http.get("/config/placement-rule/pd").json().get("rules")).hasSize(2);
        // And back.
        assertThat(http.post("/config/placement-rule", json("[{'group_id':'pd','rules':[" + DEFAULT + "]}]"))
                        .said())
                .isEqualTo("Update rules and groups successfully.");
        assertThat(http.get("/config/rules").text()).isEqualTo(json("[" + DEFAULT + "]"));
        assertThat(http.pd.meta.state().placement().byName()).isEmpty();
    }

    @Test
    void batchIsAllOrNothing() {
        String one = "{'action':'add','group_id':'t','id':'one','role':'learner','count':1}";
        Answer failed =
                http.post("/config/rules/batch", json("[" + one + ",{'action':'del','group_id':'t','id':'none'}]"));
        assertThat(failed.status()).isEqualTo(404);
        assertThat(http.get("/config/rules").json()).hasSize(1);

        assertThat(http.post("/config/rules/batch", json("[" + one + "," + one.replace("one", "other") + "]"))
                        .said())
                .isEqualTo("Batch operations successfully.");
        assertThat(http.get("/config/rules").json()).hasSize(3);
        assertThat(http.post(
                                "/config/rules/batch",
                                json("[{'action':'del','group_id':'t','id':'o','delete_by_id_prefix':true}]"))
                        .status())
                .isEqualTo(200);
        assertThat(http.get("/config/rules").json()).hasSize(1);
        assertThat(http.post("/config/rules", json("[{'group_id':'t','id':'one','role':'learner','count':1}]"))
                        .said())
                .isEqualTo("Update rules successfully.");
    }

    @Test
    void groupsHaveAnOrderAndMayOverride() {
        http.post("/config/rule", json("{'group_id':'t','id':'one','role':'voter','count':1}"));

        assertThat(http.post("/config/rule_group", json("{'id':'t','index':7,'override':true}"))
                        .said())
                .isEqualTo("Update rule group successfully.");

        assertThat(http.get("/config/rule_groups").text())
                .isEqualTo(json("[{'id':'pd'},{'id':'t','index':7,'override':true}]"));
        assertThat(http.get("/config/rules/key/61").json()).hasSize(1);
        assertThat(http.get("/config/placement-rule").json()).hasSize(2);
        assertThat(http.delete("/config/rule_group/t").status()).isEqualTo(200);
        assertThat(http.delete("/config/rule_group/t").status()).isEqualTo(404);
        assertThat(http.get("/config/rule_group/t").text()).isEqualTo(json("{'id':'t'}"));
        assertThat(http.get("/config/rules/key/61").json()).hasSize(2);
        assertThat(http.delete("/config/placement-rule/t").said()).isEqualTo("Delete group and rules successfully.");
        assertThat(http.get("/config/rule_group/t").status()).isEqualTo(404);
    }

    @Test
    void changeMadeToRulesThatHaveChangedIsRefused() {
        PlacementTexts seen = http.pd.meta.state().placement();
        http.post("/config/rule", json("{'group_id':'t','id':'one','role':'learner','count':1}"));

        var outcome = http.pd
                .term()
                .propose(new PlacementRecord.ChangePlacement(seen.version(), Map.of(), Set.of("no-default")))
                .join();

        assertThat(outcome.toString()).contains("CONFLICT");
        assertThat(http.get("/config/rules").json()).hasSize(2);
    }

    /** The label goes after the rule was written: what is there stays, and PD says why it is not as it should be. */
    @Test
    void ruleThatNobodyCanSatisfyAnyMoreChangesNothing() {
        http.post(
                "/config/rule",
                json("{'group_id':'t','id':'x','role':'learner','count':1,'start_key':'','end_key':'67',"
                        + "'label_constraints':[{'key':'disk','op':'notIn','values':['slow']}]}"));
        http.pd.term().operators().cancel(10);
        for (long store = 1; store <= 4; store++) {
            http.post("/store/" + store + "/label", json("{'disk':'slow'}"));
        }
        http.pd.term().operators().cancel(10);
        RegionInfo region = http.pd.term().cluster().region(10).orElseThrow();

        Coordinator.Explanation why = http.pd.term().coordinator().explain(region);

        assertThat(why.action()).isEqualTo("nothing");
        assertThat(why.healthy()).isFalse();
        assertThat(why.reason())
                .contains("0 of 1 replicas for rule t/x, but no store can take one")
                .contains("store 4 has the label disk=slow");
        http.pd.term().coordinator().onHeartbeat(region);
        assertThat(http.pd.term().operators().operatorOf(10)).isNull();
    }

    @Test
    void rulesOutliveAMember() {
        http.post("/config/rule", json("{'group_id':'t/ä','id':'a b','role':'learner','count':1}"));
        http.pd.meta.propose(new MetaRecord.SetMaxReplicas(1));

        assertThat(http.get("/config/rule/t%2F%C3%A4/a%20b").json().get("id").asString())
                .isEqualTo("a b");
        assertThat(http.get("/config/rules").json()).hasSize(2);
        assertThat(http.get("/config/rule/pd/default").json().get("count").asInt())
                .isEqualTo(1);
    }

    private static String json(String text) {
        return text.replace('\'', '"');
    }
}
