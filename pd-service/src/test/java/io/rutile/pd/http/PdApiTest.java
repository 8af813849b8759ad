package io.rutile.pd.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.rutile.pd.http.HttpPd.Answer;
import io.rutile.pd.meta.GcRecord;
import io.rutile.pd.meta.MetaRecord;
import io.rutile.pd.schedule.ScheduleOptions;
import io.rutile.pd.schedule.operator.OperatorKind;
import io.rutile.pd.schedule.placement.Locations;
import io.rutile.protocol.pdpb.Member;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PdApiTest {

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
    void clusterAndMembers() {
        long clusterId = http.pd.meta.state().clusterId();

        assertThat(http.get("/cluster").text()).isEqualTo("{\"id\":" + clusterId + ",\"max_peer_count\":3}");
        assertThat(http.get("/cluster/status").json().get("is_initialized").asBoolean())
                .isTrue();
        assertThat(http.get("/version").json().get("version").asString()).isEqualTo("v8.5.0");
        assertThat(http.get("/status").json().get("start_timestamp").asLong()).isPositive();
        assertThat(http.get("/members").json().get("header").get("cluster_id").asLong())
                .isEqualTo(clusterId);
        assertThat(http.get("/members")
                        .json()
                        .get("members")
                        .get(0)
                        .get("client_urls")
                        .get(0)
                        .asString())
                .isEqualTo(http.pd.url());
        assertThat(http.get("/leader").json().get("name").asString()).isEqualTo("pd-1");
        assertThat(http.get("/health").text())
                .isEqualTo("[{\"name\":\"pd-1\",\"member_id\":1,\"client_urls\":[\"" + http.pd.url()
                        + "\"],\"health\":true}]");
        assertThat(http.get("/tso/445644800000000001").text())
                .isEqualTo("{\"physical\":1700000000000,\"logical\":1,\"time\":\"2023-11-14T22:13:20Z\"}");
        assertThat(http.get("/tso/soon").status()).isEqualTo(400);
    }

    @Test
    void memberThatDoesNotAnswerIsNotHealthy() {
        http.pd.meta.propose(new MetaRecord.AnnounceMember(Member.newBuilder()
                .setName("pd-2")
                .setMemberId(2)
                .addClientUrls("http://127.0.0.1:1")
                .build()));

        assertThat(http.get("/health").json().get(1).get("health").asBoolean()).isFalse();
    }

    @Test
    void settingsAreChangedKeptAndUsed() {
        assertThat(http.get("/config").text())
                .isEqualTo("{\"cluster-version\":\"8.5.0\",\"schedule\":{\"max-store-down-time\":\"30m0s\","
                        + "\"split-merge-interval\":\"1h0m0s\",\"leader-schedule-limit\":16,\"region-schedule-limit\":256,"
                        + "\"replica-schedule-limit\":512,\"hot-region-schedule-limit\":4,\"merge-schedule-limit\":8,"
                        + "\"max-merge-region-size\":20,\"max-merge-region-keys\":200000,\"max-snapshot-count\":64,"
                        + "\"max-pending-peer-count\":64,\"low-space-ratio\":0.8},"
                        + "\"replication\":{\"max-replicas\":3,\"location-labels\":\"\",\"isolation-level\":\"\","
                        + "\"strictly-match-label\":\"false\",\"enable-placement-rules\":\"true\"}}");

        assertThat(http.post("/config", "{\"max-replicas\":5,\"schedule.max-store-down-time\":\"45m\"}")
                        .said())
                .isEqualTo("The config is updated.");
        assertThat(http.get("/config/schedule")
                        .json()
                        .get("max-store-down-time")
                        .asString())
                .isEqualTo("45m0s");
        assertThat(http.get("/config/replicate").json().get("max-replicas").asInt())
                .isEqualTo(5);
        assertThat(http.pd.term().cluster().downAfter()).isEqualTo(Duration.ofMinutes(45));
        assertThat(http.post("/config/replicate", "{\"max-replicas\":\"3\"}").status())
                .isEqualTo(200);
    }

    @Test
    void settingsOfSchedulingHoldAtOnceAndOutliveAMember() {
        assertThat(http.post(
                                "/config",
                                "{\"schedule.merge-schedule-limit\":9,\"replication.location-labels\":\"zone, rack\","
                                        + "\"isolation-level\":\"zone\",\"low-space-ratio\":0.7,\"max-merge-region-size\":\"30\","
                                        + "\"enable-placement-rules\":\"true\"}")
                        .status())
                .isEqualTo(200);

        ScheduleOptions now = http.pd.term().schedule();
        assertThat(now.limits().of(OperatorKind.MERGE)).isEqualTo(9);
        assertThat(now.placement().locations()).isEqualTo(new Locations(List.of("zone", "rack"), "zone"));
        assertThat(now.placement().freeRatioAmple()).isCloseTo(0.3, within(1e-9));
        assertThat(now.merge().sizeMibMax()).isEqualTo(30);
        assertThat(http.get("/config/replicate").json().get("location-labels").asString())
                .isEqualTo("zone,rack");
        assertThat(http.pd.meta.state().settings()).hasSize(5);
        // The isolation level must stay one of the labels.
        assertThat(http.post("/config", "{\"location-labels\":\"rack\"}").said())
                .isEqualTo("isolation-level 'zone' is none of the location-labels [rack]");
        assertThat(http.post("/config", "{\"enable-placement-rules\":\"false\"}")
                        .status())
                .isEqualTo(403);
    }

    @Test
    void settingThatIsUnknownOrMakesNoSenseIsRefusedAndNothingIsTaken() {
        for (String body : List.of(
                "{\"max-store-down-time\":\"45m\",\"max-happiness\":1}",
                "{\"max-store-down-time\":\"45m\",\"max-replicas\":0}",
                "{\"max-store-down-time\":\"45m\",\"max-replicas\":\"many\"}",
                "{\"max-replicas\":5,\"max-store-down-time\":\"0s\"}",
                "{\"max-replicas\":5,\"max-store-down-time\":7}",
                "{\"max-replicas\":5,\"replication.max-store-down-time\":\"45m\"}",
                "{\"max-replicas\":5,\"merge-schedule-limit\":-1}",
                "{\"max-replicas\":5,\"merge-schedule-limit\":1.5}",
                "{\"max-replicas\":5,\"low-space-ratio\":7}",
                "{\"max-replicas\":5,\"location-labels\":\"zone,zone\"}",
                "{\"max-replicas\":5,\"location-labels\":[1]}",
                "{\"max-replicas\":5,\"isolation-level\":\"zone\"}",
                "{\"max-replicas\":5,\"batch\":4}",
                "{}")) {
            assertThat(http.post("/config", body).status()).as(body).isEqualTo(400);
        }
        assertThat(http.post("/config/schedule", "{\"max-replicas\":5}").said())
                .isEqualTo("config item max-replicas not found");

        assertThat(http.get("/config")
                        .json()
                        .get("schedule")
                        .get("max-store-down-time")
                        .asString())
                .isEqualTo("30m0s");
        assertThat(http.pd.meta.state().maxReplicas()).isEqualTo(3);
    }

    @Test
    void safePointsAndWhoHoldsThem() {
        http.pd.term().safePoints().setBarrier(false, "backup", 40, 3_600).join();
        http.pd.meta.propose(new GcRecord.AdvanceTxnSafePoint(30, 1));
        http.pd.meta.propose(new GcRecord.AdvanceGcSafePoint(20));

        Answer answer = http.get("/gc/safepoint");

        assertThat(answer.json().get("gc_safe_point").asLong()).isEqualTo(20);
        assertThat(answer.json()
                        .get("service_gc_safe_points")
                        .get(0)
                        .get("service_id")
                        .asString())
                .isEqualTo("backup");
        assertThat(http.delete("/gc/safepoint/backup").said()).isEqualTo("Delete service GC safepoint successfully.");
        assertThat(http.delete("/gc/safepoint/backup").status()).isEqualTo(404);
        assertThat(http.delete("/gc/safepoint/gc_worker").status()).isEqualTo(403);
        assertThat(http.get("/min-resolved-ts").json().get("min_resolved_ts").asLong())
                .isZero();
    }

    @Test
    void whatIsNotServedIsSaidSo() {
        assertThat(http.get("/nothing/here").status()).isEqualTo(404);
        assertThat(http.call("PATCH", "/stores", "").status()).isEqualTo(405);
        assertThat(http.get("/schedulers").text())
                .contains("\"balance-leader-scheduler\"", "\"evict-leader-scheduler\"", "\"hot-region-scheduler\"");
        assertThat(http.get("/hotspot/regions/write").text()).isEqualTo("{\"as_peer\":{},\"as_leader\":{}}");
        assertThat(http.get("/hotspot/stores").json().has("bytes-write-rate")).isTrue();
    }

    @Test
    void pageOfAWebSiteChangesNothing() {
        HttpPd.Answer answer = http.call("DELETE", "/store/4", "", "Origin", "http://elsewhere.example");

        assertThat(answer.status()).isEqualTo(403);
        assertThat(http.get("/store/4").json().get("store").get("state_name").asString())
                .isEqualTo("Up");
    }

    @Test
    void followerRelaysToTheLeader() throws IOException {
        try (HttpPd follower = new HttpPd(Files.createDirectories(directory.resolve("follower")))) {
            follower.pd.meta.propose(new MetaRecord.AnnounceMember(Member.newBuilder()
                    .setName("pd-2")
                    .setMemberId(2)
                    .addClientUrls(http.pd.url())
                    .build()));
            follower.pd.follow(2);

            assertThat(follower.get("/stores").json().get("count").asInt()).isEqualTo(4);
            assertThat(follower.post("/store/1/label", "{\"zone\":\"z1\"}").status())
                    .isEqualTo(200);
            assertThat(follower.get("/store/99").said()).isEqualTo("store 99 not found");
            assertThat(follower.get("/ping").status()).isEqualTo(200);
            assertThat(http.get("/labels").json()).hasSize(1);
            assertThat(follower.call("GET", "/stores", "", "PD-Allow-follower-handle", "true")
                            .status())
                    .isEqualTo(503);
            assertThat(follower.call("GET", "/stores", "", "PD-Redirector", "pd-3")
                            .said())
                    .isEqualTo("not leader");
        }
    }

    @Test
    void leadershipIsHandedToAMemberThatIsThere() {
        assertThat(http.post("/leader/resign", "").said()).isEqualTo("no other member answers that could lead");
        assertThat(http.post("/leader/transfer/pd-2", "").said()).isEqualTo("no member is called 'pd-2'");
        assertThat(http.post("/leader/transfer/pd-1", "").status()).isEqualTo(400);
        http.pd.meta.propose(new MetaRecord.AnnounceMember(Member.newBuilder()
                .setName("pd-2")
                .setMemberId(2)
                .addClientUrls("http://127.0.0.1:1")
                .build()));

        assertThat(http.post("/leader/transfer/pd-2", "").status()).isEqualTo(200);

        assertThat(http.pd.meta.log().leaderId()).isEqualTo(2);
    }

    @Test
    void nobodyToRelayToIsSaidSo() {
        http.pd.follow(7);
        assertThat(http.get("/stores").said()).isEqualTo("no leader");

        http.pd
                .meta
                .log()
                .applyForeign(new MetaRecord.AnnounceMember(Member.newBuilder()
                        .setName("pd-7")
                        .setMemberId(7)
                        .addClientUrls("http://127.0.0.1:1")
                        .build()));
        Answer unreachable = http.get("/stores");
        assertThat(unreachable.status()).isEqualTo(503);
        assertThat(unreachable.said()).isEqualTo("the leader pd-7 cannot be reached");
    }

    @Test
    void answersThatTakeTooLongAreGivenUp() {
        http.close();
        http = new HttpPd(directory.resolve("slow"), HttpOptions.DEFAULTS.withAnswerTimeout(Duration.ofMillis(200)));
        http.cluster();
        http.pd.meta.log().hold();

        Answer answer = http.delete("/store/4");

        assertThat(answer.status()).isEqualTo(503);
        assertThat(answer.said()).startsWith("no answer in time");
    }
}
