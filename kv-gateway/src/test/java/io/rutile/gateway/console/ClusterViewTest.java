package io.rutile.gateway.console;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.client.KvClientException;
import io.rutile.client.region.KeySpace;
import io.rutile.gateway.console.ClusterFacts.RegionDetail;
import io.rutile.gateway.console.ClusterFacts.Store;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.MemComparable;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ClusterViewTest {

    private final FakePd pd = FakePd.withCluster();
    private final ClusterView view = view(mode ->
            CompletableFuture.completedFuture(mode == KeySpace.Mode.RAW ? KeySpace.rawV2(5) : KeySpace.txnV2(5)));

    @AfterEach
    void stop() {
        view.close();
        pd.close();
    }

    private ClusterView view(Function<KeySpace.Mode, CompletableFuture<KeySpace>> keySpaces) {
        return new ClusterView(
                new PdHttp.Options(List.of(pd.endpoint()), Duration.ofSeconds(10)),
                keySpaces,
                new SimpleMeterRegistry());
    }

    /** prefix := mode keyspace-id; PD has the encoding of both together. */
    @Test
    void keysOfAKeyspaceAreLookedForWherePdHasThem() {
        assertThat(view.border(KeySpace.Mode.RAW, key("k")).join())
                .isEqualTo(ByteKey.wrap(MemComparable.encode(new byte[] {'r', 0, 0, 5, 'k'})));
        assertThat(view.border(KeySpace.Mode.TXN, key("k")).join())
                .isEqualTo(ByteKey.wrap(MemComparable.encode(new byte[] {'x', 0, 0, 5, 'k'})));
    }

    @Test
    void aKeyspaceThatCannotBeFoundIsAFailure() {
        try (ClusterView without = view(mode -> CompletableFuture.failedFuture(
                new KvClientException(KvClientException.Kind.UNAVAILABLE, "not connected yet", null, null)))) {
            assertThatThrownBy(() -> without.border(KeySpace.Mode.RAW, key("k")).join())
                    .hasCauseInstanceOf(KvClientException.class)
                    .hasMessageContaining("not connected yet");
        }
    }

    @Test
    void aRegionThatGoesBetweenTwoQuestionsIsNotThere() {
        pd.says("/region/id/10/why", 404, "\"region 10 not found\"");

        Optional<RegionDetail> found = view.region(10).join();

        assertThat(found).isEmpty();
    }

    /** While a cluster is updated, gateways may be newer than PD. */
    @Test
    void aPdThatTellsNoReasonsStillHasStores() {
        pd.says("/scheduling", 404, "\"there is nothing at /scheduling\"");

        Store store = view.stores().join().get(0);

        assertThat(store.id()).isEqualTo(4);
        assertThat(store.newReplicas()).isEmpty();
    }

    /** A hundred viewers are one question. */
    @Test
    void viewersShareAnswers() {
        for (int viewer = 0; viewer < 100; viewer++) {
            assertThat(view.operators().join().count()).isEqualTo(1);
        }

        // One a second, and the test may take longer than that.
        assertThat(pd.calls).hasSizeBetween(1, 20);
    }

    private static ByteKey key(String text) {
        return ByteKey.wrap(text.getBytes(StandardCharsets.UTF_8));
    }
}
