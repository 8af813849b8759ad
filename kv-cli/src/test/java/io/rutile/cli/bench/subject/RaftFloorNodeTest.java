package io.rutile.cli.bench.subject;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.Gson;
import io.rutile.cli.bench.load.CommitWay;
import io.rutile.cli.bench.load.Distribution;
import io.rutile.cli.bench.load.KeySpace;
import io.rutile.cli.bench.load.Load;
import io.rutile.cli.bench.load.Outcome;
import io.rutile.cli.bench.load.Workload;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Its words, as its parent would speak them. */
class RaftFloorNodeTest {

    /** Nobody else stands while a busy machine keeps the leader waiting. */
    private static final Duration PATIENT = Duration.ofSeconds(10);

    @Test
    void threeOfThemReplicateWhatTheLeaderProposes(@TempDir Path dir) throws Exception {
        List<RaftFloorNode> nodes = new ArrayList<>();
        try {
            for (int store = 1; store <= 3; store++) {
                nodes.add(new RaftFloorNode(store, dir.resolve("store" + store), PATIENT));
            }
            String ports =
                    nodes.stream().map(node -> Integer.toString(node.listen())).collect(Collectors.joining(" "));
            for (RaftFloorNode node : nodes) {
                assertThat(node.answer("peers " + ports)).isEqualTo("started");
            }
            assertThat(nodes.get(0).answer("lead")).isEqualTo("leading");
            RaftFloorNode.Order order = new RaftFloorNode.Order(
                    new Load(Workload.PUT, Distribution.UNIFORM, CommitWay.ONEPC, 4, 100),
                    new KeySpace("k-", 10, 64, 1),
                    300,
                    1);

            String answer = nodes.get(0).answer("run " + new Gson().toJson(order));

            assertThat(answer).startsWith("outcome ");
            Outcome outcome = new Gson()
                    .fromJson(answer.substring("outcome ".length()), OutcomeText.class)
                    .toOutcome();
            assertThat(outcome.errors().counts()).isEmpty();
            assertThat(outcome.latencies().getTotalCount()).isEqualTo(30);
            assertThat(outcome.latencies().getMinValue()).isPositive();
            assertThatThrownBy(() -> nodes.get(0).answer("dance")).hasMessageContaining("not understood");
        } finally {
            nodes.forEach(RaftFloorNode::close);
        }
    }
}
