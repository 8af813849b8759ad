package io.rutile.cli.cluster;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.client.RutileClient;
import io.rutile.gateway.kv.AtomicCall;
import io.rutile.gateway.kv.AtomicCall.Condition;
import io.rutile.gateway.kv.AtomicCall.Get;
import io.rutile.gateway.kv.AtomicCall.Put;
import io.rutile.gateway.kv.AtomicCalls;
import io.rutile.gateway.kv.BatchRead;
import io.rutile.gateway.kv.ClusterConnection;
import io.rutile.gateway.kv.ClusterTxnOperations;
import io.rutile.gateway.kv.GatewayLimits;
import io.rutile.gateway.kv.IdempotencyKey;
import io.rutile.gateway.kv.IdempotencyRecords;
import io.rutile.protocol.ByteKey;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Named calls on a real cluster, asked of two gateways that know nothing of each other. */
class IdempotentCallsTest {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final ByteKey STOCK = ByteKey.wrap("stock".getBytes(UTF_8));

    @TempDir
    Path dir;

    /** What a gateway carries calls out with. */
    private static final class Gateway implements AutoCloseable {

        private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
        private final ClusterConnection connection;
        private final AtomicCalls calls;
        private final GatewayLimits limits = new GatewayLimits(100, 64 << 20, metrics);

        Gateway(TestCluster cluster) {
            connection = new ClusterConnection(cluster.clientOptions(), metrics);
            ClusterTxnOperations operations = new ClusterTxnOperations(connection);
            calls = new AtomicCalls(operations, new IdempotencyRecords(operations, Duration.ofHours(1), metrics));
            connection.start();
            await().atMost(PATIENCE).until(connection::isConnected);
        }

        CompletableFuture<AtomicCall.Result> sell(String name, int before) {
            AtomicCall sale = new AtomicCall(
                    List.of(Condition.equals(STOCK, text(before))),
                    List.of(new Get(STOCK), new Put(STOCK, text(before - 1))),
                    List.of(new Get(STOCK)));
            IdempotencyKey key = Objects.requireNonNull(IdempotencyKey.of("token:shop", name, text(before)));
            return calls.runOnce(key, sale, PATIENCE, BatchRead.ANSWER_BYTES_MAX, limits.admit());
        }

        @Override
        public void close() {
            connection.close();
        }
    }

    private static byte[] text(int number) {
        return Integer.toString(number).getBytes(UTF_8);
    }

    @Test
    void oneEffectAndOneAnswerWhicheverGatewayIsAsked() throws Exception {
        try (TestCluster cluster = TestCluster.start(dir, 1);
                RutileClient client = cluster.client();
                Gateway one = new Gateway(cluster);
                Gateway other = new Gateway(cluster)) {
            var stocking = client.txn()
                    .begin(io.rutile.client.txn.TxnOptions.optimistic())
                    .get();
            stocking.put(STOCK, text(10));
            stocking.commit().get();

            AtomicCall.Result first = one.sell("order-1", 10).get();
            AtomicCall.Result again = other.sell("order-1", 10).get();

            assertThat(first.succeeded()).isTrue();
            assertThat(again.startTs()).isEqualTo(first.startTs());
            assertThat(again.commitTs()).isNotNull().isEqualTo(first.commitTs());
            assertThat(again.results().get(0).get(0).value()).isEqualTo(text(10));

            // Ten times the same at once, at both.
            List<CompletableFuture<AtomicCall.Result>> sent = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                sent.add((i % 2 == 0 ? one : other).sell("order-2", 9));
            }
            for (CompletableFuture<AtomicCall.Result> answer : sent) {
                assertThat(answer.get().commitTs()).isEqualTo(sent.get(0).get().commitTs());
            }
            long now = client.txn().currentTimestamp().get().value();
            assertThat(client.txn()
                            .snapshot(new io.rutile.protocol.TimeStamp(now))
                            .get(STOCK)
                            .get())
                    .hasValueSatisfying(value -> assertThat(value).isEqualTo(text(8)));
        }
    }
}
