package io.rutile.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.rutile.cli.cluster.ApiVersion;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tikv.common.TiSession;
import org.tikv.raw.RawKVClient;
import org.tikv.shade.com.google.protobuf.ByteString;

/** The published client's operations with an expiry, against a cluster of API version V1TTL; one node, because expiry is its leader's business. */
@Tag("cluster")
class TikvClientJavaTtlIT {

    @TempDir
    Path scratch;

    @Test
    void everyOperationThatTakesAnExpiry() throws Exception {
        try (TestHouse house = TestHouse.start(scratch.resolve("data"), 1, 1, ApiVersion.V1TTL);
                TiSession session =
                        TikvClients.session(house, configuration -> configuration.setEnableAtomicForCAS(true));
                RawKVClient raw = session.createRawClient()) {
            raw.put(text("for ever"), text("v"));
            raw.put(text("long"), text("v"), 1_000);
            raw.put(text("short"), text("v"), 2);
            raw.batchPut(Map.of(text("b1"), text("v"), text("b2"), text("v")), 1_000);
            raw.compareAndSet(text("cas"), Optional.empty(), text("v"), 1_000);
            assertThat(raw.putIfAbsent(text("absent"), text("v"), 1_000)).isEmpty();

            assertThat(raw.getKeyTTL(text("for ever"))).contains(0L);
            for (String key : new String[] {"long", "b1", "b2", "cas", "absent"}) {
                assertThat(raw.getKeyTTL(text(key)).orElseThrow()).as(key).isBetween(900L, 1_000L);
                assertThat(raw.get(text(key))).as(key).contains(text("v"));
            }
            assertThat(raw.getKeyTTL(text("missing"))).isEmpty();
            await().atMost(Duration.ofSeconds(10))
                    .until(() -> raw.get(text("short")).isEmpty());
            assertThat(raw.getKeyTTL(text("short"))).isEmpty();
            assertThat(raw.scan(ByteString.EMPTY, 100)).hasSize(6);
            assertThat(raw.putIfAbsent(text("short"), text("again")))
                    .as("expired is absent")
                    .isEmpty();
        }
    }

    private static ByteString text(String text) {
        return ByteString.copyFromUtf8(text);
    }
}
