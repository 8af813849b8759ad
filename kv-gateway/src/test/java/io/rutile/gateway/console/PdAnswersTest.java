package io.rutile.gateway.console;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.StringNode;

class PdAnswersTest {

    private final AtomicLong nanos = new AtomicLong();
    private final List<String> asked = new ArrayList<>();
    private final List<CompletableFuture<JsonNode>> open = new ArrayList<>();
    private final PdAnswers answers = new PdAnswers(
            path -> {
                asked.add(path);
                open.add(new CompletableFuture<>());
                return open.get(open.size() - 1);
            },
            nanos::get);

    @Test
    void whoeverAsksMeanwhileSharesTheAnswer() {
        CompletableFuture<JsonNode> one = answers.get("/stores");
        pass(PdAnswers.FRESH.multipliedBy(5));
        CompletableFuture<JsonNode> two = answers.get("/stores");

        open.get(0).complete(StringNode.valueOf("a"));

        assertThat(asked).containsExactly("/stores");
        assertThat(one.join().asString()).isEqualTo("a");
        assertThat(two.join().asString()).isEqualTo("a");
    }

    /** One viewer that gives up takes nobody else's answer away. */
    @Test
    void aCallerCannotEndTheAnswerOfOthers() {
        CompletableFuture<JsonNode> one = answers.get("/stores");
        CompletableFuture<JsonNode> two = answers.get("/stores");

        one.cancel(true);
        open.get(0).complete(StringNode.valueOf("a"));

        assertThat(two.join().asString()).isEqualTo("a");
    }

    @Test
    void anAnswerIsFreshForAWhile() {
        CompletableFuture<JsonNode> first = answers.get("/stores");
        open.get(0).complete(StringNode.valueOf("a"));
        assertThat(first).isCompleted();
        pass(PdAnswers.FRESH.minusMillis(1));
        assertThat(answers.get("/stores").join().asString()).isEqualTo("a");

        pass(Duration.ofMillis(1));
        CompletableFuture<JsonNode> second = answers.get("/stores");

        assertThat(asked).hasSize(2);
        assertThat(second).isNotDone();
        assertThat(answers.get("/stores", Duration.ofHours(1))).isNotDone();
    }

    @Test
    void aFailureIsForgottenSooner() {
        CompletableFuture<JsonNode> first = answers.get("/stores");
        open.get(0).completeExceptionally(new IllegalStateException("away"));
        assertThatThrownBy(first::join).hasMessageContaining("away");
        assertThatThrownBy(() -> answers.get("/stores").join()).hasMessageContaining("away");
        assertThat(asked).hasSize(1);

        pass(PdAnswers.FAILURE_FRESH);

        assertThat(answers.get("/stores")).isNotDone();
        assertThat(asked).hasSize(2);
    }

    @Test
    void answersAreBounded() {
        for (int i = 0; i < 10 * PdAnswers.ANSWERS_MAX; i++) {
            CompletableFuture<JsonNode> unused = answers.get("/region/id/" + i);
        }

        assertThat(answers.size()).isEqualTo(PdAnswers.ANSWERS_MAX);
    }

    @Test
    void aChangeMakesEverythingStale() {
        CompletableFuture<JsonNode> unused = answers.get("/stores");
        open.get(0).complete(StringNode.valueOf("a"));

        answers.forget();

        assertThat(answers.get("/stores")).isNotDone();
    }

    private void pass(Duration time) {
        nanos.addAndGet(time.toNanos());
    }
}
