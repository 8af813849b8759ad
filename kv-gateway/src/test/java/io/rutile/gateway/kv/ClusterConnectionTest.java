package io.rutile.gateway.kv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.client.KvClientException;
import io.rutile.protocol.ByteKey;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ClusterConnectionTest {

    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();

    @Test
    void triesOnUntilItIsClosed() {
        AtomicInteger attempts = new AtomicInteger();
        AtomicReference<@Nullable Thread> connector = new AtomicReference<>();
        ClusterConnection connection = new ClusterConnection(
                () -> {
                    connector.set(Thread.currentThread());
                    throw new KvClientException(
                            KvClientException.Kind.UNAVAILABLE, "attempt " + attempts.incrementAndGet(), null, null);
                },
                "pd:2379",
                metrics);

        connection.start();
        await().untilAsserted(() -> assertThat(attempts).hasValueGreaterThan(2));

        assertThat(connection.isConnected()).isFalse();
        assertThat(connection.whyNotConnected()).startsWith("no connection to PD at pd:2379: attempt ");
        assertThat(metrics.get("kv.gateway.connected").gauge().value()).isZero();
        assertThat(metrics.get("kv.gateway.connect.failures").counter().count()).isGreaterThanOrEqualTo(2);
        connection.close();
        assertThat(connector.get()).isNotNull();
        await().until(() -> !Objects.requireNonNull(connector.get()).isAlive());
    }

    @Test
    void requestsMeanwhileFailAtOnce() {
        ClusterConnection connection = new ClusterConnection(
                () -> {
                    throw new IllegalStateException("never started");
                },
                "pd:2379",
                metrics);
        KvOperations kv = new ClusterKvOperations(connection);

        assertThatThrownBy(() -> kv.get(ByteKey.EMPTY, Deadline.after(Duration.ofMinutes(1)))
                        .join())
                .cause()
                .isInstanceOfSatisfying(KvClientException.class, e -> {
                    assertThat(e.kind()).isEqualTo(KvClientException.Kind.UNAVAILABLE);
                    assertThat(e).hasMessageContaining("pd:2379");
                });
        connection.close();
    }

    @Test
    void nothingIsBegunAfterTheDeadline() {
        ClusterConnection connection = new ClusterConnection(
                () -> {
                    throw new IllegalStateException("never started");
                },
                "pd:2379",
                metrics);

        assertThatThrownBy(() -> new ClusterKvOperations(connection)
                        .get(ByteKey.EMPTY, new Deadline(System.nanoTime()))
                        .join())
                .cause()
                .isInstanceOfSatisfying(
                        KvClientException.class, e -> assertThat(e.kind()).isEqualTo(KvClientException.Kind.TIMEOUT));
        connection.close();
    }
}
