package io.rutile.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.rutile.node.raftstore.SplitOptions;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.MemComparable;
import io.rutile.protocol.pdpb.RegionHeartbeatRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One node with real ports that is asked for a lot. */
class LoadSplitTest {

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @TempDir
    Path dir;

    private FakePd pd;
    private TestNode node;

    @BeforeEach
    void start() throws Exception {
        pd = new FakePd();
        SplitOptions often =
                new SplitOptions(96 << 20, 960_000, false, Duration.ofSeconds(10), 50, 0, Duration.ofSeconds(1));
        node = new TestNode(TestNode.splitBy(TestNode.options(List.of(pd.endpoint()), dir), often)).start();
        await().atMost(PATIENCE).until(() -> pd.firstRegion().isPresent());
    }

    @AfterEach
    void stop() throws Exception {
        node.close();
        pd.close();
    }

    /** Few bytes and few keys: nothing but their load would split the Region. */
    @Test
    void aBusyRegionIsSplitAtAnEncodingAndBothHalvesServe() {
        await("two Regions").atMost(PATIENCE).pollDelay(Duration.ZERO).until(() -> {
            for (int i = 0; i < 100; i++) {
                String key = String.format(Locale.ROOT, "%02d-key", i);
                Optional<RegionHeartbeatRequest> known =
                        pd.region(ByteKey.wrap(key.getBytes(StandardCharsets.US_ASCII)));
                if (known.isEmpty()) {
                    // One half has yet to report.
                    continue;
                }
                RegionHeartbeatRequest beat = known.get();
                node.put(TestNode.context(beat.getRegion(), beat.getLeader()), key, "v");
                node.get(TestNode.context(beat.getRegion(), beat.getLeader()), key);
            }
            return pd.regions().size() >= 2;
        });

        ByteKey border = ByteKey.of(pd.regions().get(0).getRegion().getEndKey());
        assertThat(new String(MemComparable.decode(border.bytes()), StandardCharsets.US_ASCII))
                .isBetween("2", "8");
        assertThat(node.metrics.get("kv.raftstore.splits.load").counter().count())
                .isPositive();
    }
}
