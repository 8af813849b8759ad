package io.rutile.pd.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.pd.http.HttpPd.Answer;
import io.rutile.pd.schedule.operator.OperatorLimits.PerMinute;
import io.rutile.pd.schedule.operator.StoreLimits;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Schedulers and store limits over HTTP, and that what is said there counts. */
class SchedulerRoutesTest {

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
    void schedulerIsRemovedAndAddedAgain() {
        assertThat(http.delete("/schedulers/balance-leader-scheduler").said()).isEqualTo("The scheduler is removed.");

        assertThat(http.get("/schedulers").text()).doesNotContain("balance-leader");
        assertThat(http.get("/schedulers?status=disabled").text()).isEqualTo("[\"balance-leader-scheduler\"]");
        assertThat(http.pd.term().schedule().schedulersOff()).containsExactly("balance-leader");
        assertThat(http.get("/schedulers/diagnostic/balance-leader-scheduler")
                        .json()
                        .get("status")
                        .asString())
                .isEqualTo("disabled");
        assertThat(http.post("/schedulers/balance-leader-scheduler", "{\"delay\":10}")
                        .status())
                .isEqualTo(404);

        assertThat(http.post("/schedulers", "{\"name\":\"balance-leader-scheduler\"}")
                        .said())
                .isEqualTo("The scheduler is created.");
        assertThat(http.get("/schedulers").text()).contains("balance-leader");
    }

    @Test
    void schedulerIsPausedAndResumed() {
        assertThat(http.post("/schedulers/balance-hot-region-scheduler", "{\"delay\":3600}")
                        .status())
                .isEqualTo(200);

        assertThat(http.get("/schedulers?status=paused").text()).isEqualTo("[\"hot-region-scheduler\"]");
        assertThat(http.get("/schedulers?status=paused&timestamp=true")
                        .json()
                        .get(0)
                        .get("resume_at")
                        .asString())
                .contains("T");
        // Paused is not removed.
        assertThat(http.get("/schedulers").text()).contains("hot-region-scheduler");
        assertThat(http.post("/schedulers/all", "{\"delay\":60}").status()).isEqualTo(200);
        assertThat(http.get("/schedulers?status=paused").json()).hasSize(5);
        assertThat(http.post("/schedulers/all", "{\"delay\":0}").status()).isEqualTo(200);
        assertThat(http.get("/schedulers?status=paused").text()).isEqualTo("[]");
    }

    @Test
    void storesLeadersAreEvictedUntilSomebodySaysOtherwise() {
        assertThat(http.post("/schedulers", "{\"name\":\"evict-leader-scheduler\",\"store_id\":2}")
                        .status())
                .isEqualTo(200);
        assertThat(http.post("/scheduler-config/evict-leader-scheduler/config", "{\"store_id\":3}")
                        .status())
                .isEqualTo(200);

        assertThat(http.get("/scheduler-config/evict-leader-scheduler/list").text())
                .isEqualTo("{\"store-id-ranges\":{\"2\":[{\"start-key\":\"\",\"end-key\":\"\"}],"
                        + "\"3\":[{\"start-key\":\"\",\"end-key\":\"\"}]}}");
        assertThat(http.pd.term().coordinator().evictions().banOf(2)).contains("must not lead");
        assertThat(http.delete("/schedulers/evict-leader-scheduler-2").status()).isEqualTo(200);
        assertThat(http.pd.term().schedule().evicted()).isEqualTo(Set.of(3L));
        assertThat(http.delete("/scheduler-config/evict-leader-scheduler/delete/3")
                        .status())
                .isEqualTo(200);
        assertThat(http.delete("/scheduler-config/evict-leader-scheduler/delete/3")
                        .status())
                .isEqualTo(404);
        assertThat(http.pd.term().coordinator().evictions().banOf(2)).isNull();
        assertThat(http.pd.meta.state().settings()).isEmpty();
    }

    @Test
    void schedulersHaveSettings() {
        assertThat(http.post("/scheduler-config/balance-region-scheduler/config", "{\"batch\":3}")
                        .status())
                .isEqualTo(200);
        assertThat(http.post("/scheduler-config/evict-slow-store-scheduler/config", "{\"recovery-duration\":60}")
                        .status())
                .isEqualTo(200);

        assertThat(http.get("/scheduler-config/balance-region-scheduler/list").text())
                .isEqualTo("{\"batch\":3}");
        assertThat(http.get("/scheduler-config")
                        .json()
                        .get("balance-leader-scheduler")
                        .get("batch")
                        .asInt())
                .isEqualTo(8);
        assertThat(http.pd.term().schedule().balance().regionBatch()).isEqualTo(3);
        assertThat(http.pd.term().schedule().balance().slowRecovery()).isEqualTo(Duration.ofMinutes(1));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "/schedulers|{'name':'shuffle-leader-scheduler'}|404|scheduler not found: shuffle-leader-scheduler is none of",
                "/schedulers|{'name':'evict-leader-scheduler','store_id':77}|404|store 77 not found",
                "/schedulers|{}|400|name must be a text",
                "/schedulers/nobody|{'delay':1}|404|scheduler not found",
                "/schedulers/all|{'delay':-1}|400|delay must be 0 to",
                "/schedulers/all|{'delay':99999999}|400|delay must be 0 to",
                "/scheduler-config/balance-leader-scheduler/config|{'batch':0}|400|batch must be a whole number from 1 to 1000",
                "/scheduler-config/balance-leader-scheduler/config|{'speed':1}|400|balance-leader-scheduler has no setting speed",
                "/scheduler-config/balance-leader-scheduler/config|{}|400|nothing is to be set",
                "/stores/limit|{'rate':-1}|400|rate must be a number",
                "/stores/limit|{'rate':1,'type':'all-peers'}|400|type must be add-peer or remove-peer",
                "/stores/limit|{'rate':1,'labels':{'zone':'a'}}|400|limits by label are not served",
                "/store/77/limit|{'rate':1}|404|store 77 not found"
            })
    void whatMakesNoSenseIsRefused(String path, String body, int status, String said) {
        Answer answer = http.post(path, body.replace('\'', '"'));

        assertThat(answer.status()).isEqualTo(status);
        assertThat(answer.said()).startsWith(said);
        assertThat(http.pd.meta.state().settings()).isEmpty();
    }

    @Test
    void storeLimitsAreSetAndHold() {
        assertThat(http.get("/stores/limit").json().get("4").toString())
                .isEqualTo("{\"add-peer\":15.0,\"remove-peer\":15.0}");

        http.post("/stores/limit", "{\"rate\":30}");
        http.post("/store/4/limit", "{\"rate\":0,\"type\":\"add-peer\"}");

        assertThat(http.get("/stores/limit").json().get("4").toString())
                .isEqualTo("{\"add-peer\":0.0,\"remove-peer\":30.0}");
        assertThat(http.pd.term().schedule().limits().stores().of(1)).isEqualTo(new PerMinute(30, 30));
        assertThat(http.pd.term().operators().allows(4, StoreLimits.Kind.ADD)).isFalse();
        assertThat(http.pd.term().operators().allows(3, StoreLimits.Kind.ADD)).isTrue();
        // What holds for all takes the place of what held for one.
        http.post("/stores/limit", "{\"rate\":20,\"type\":\"add-peer\"}");
        assertThat(List.of(http.pd.term().schedule().limits().stores().of(4))).containsExactly(new PerMinute(20, 30));
    }
}
