package io.rutile.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.RawGetResponse;
import io.rutile.protocol.pdpb.RegionHeartbeatRequest;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One node and a PD in one JVM: it founds a cluster and serves the raw API over gRPC through Raft. */
class KvNodeTest {

    @TempDir
    Path dir;

    private FakePd pd;
    private TestNode node;

    @BeforeEach
    void start() throws Exception {
        pd = new FakePd();
        node = new TestNode(pd, dir.resolve("n1")).start();
    }

    @AfterEach
    void stop() throws Exception {
        node.close();
        pd.close();
    }

    private Context context() {
        await().atMost(Duration.ofSeconds(20)).until(() -> pd.firstRegion().isPresent());
        RegionHeartbeatRequest region = pd.firstRegion().orElseThrow();
        return TestNode.context(region.getRegion(), region.getLeader());
    }

    @Test
    void whatWasPutIsGot() {
        Context context = context();

        assertThat(node.put(context, "k", "v").hasRegionError()).isFalse();

        RawGetResponse got = node.get(context, "k");
        assertThat(got.getValue().toStringUtf8()).isEqualTo("v");
        assertThat(node.get(context, "missing").getNotFound()).isTrue();
    }

    @Test
    void aRestartFindsTheDataAgain() {
        node.put(context(), "k", "v");

        node.close();
        node = new TestNode(pd, dir.resolve("n1")).start();

        assertThat(node.get(context(), "k").getValue().toStringUtf8()).isEqualTo("v");
    }
}
