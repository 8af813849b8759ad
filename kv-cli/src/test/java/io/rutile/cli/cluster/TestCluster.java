package io.rutile.cli.cluster;

import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.client.RutileClient;
import io.rutile.client.RutileClientOptions;
import io.rutile.node.KvNode;
import io.rutile.node.KvNodeProperties;
import io.rutile.pd.PdOptions;
import io.rutile.pd.PdServer;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

/**
 * A Placement Driver and some nodes as plain assemblies in this JVM, on free ports. Starts in a second or two; what real processes add
 * (signals, kill -9, separate heaps) is {@link LocalCluster}'s.
 */
final class TestCluster implements AutoCloseable {

    private static final Duration START_MAX = Duration.ofMinutes(1);

    private final Deque<AutoCloseable> open = new ArrayDeque<>();
    private final List<KvNode> nodes = new ArrayList<>();
    private final String pdEndpoint;

    private TestCluster(Path dataDir, int nodeCount) {
        PdServer pd = new PdServer(PdOptions.alone(dataDir.resolve("pd-1")), new SimpleMeterRegistry());
        open.push(pd);
        pd.start();
        await().atMost(START_MAX).until(pd::isReady);
        pdEndpoint = "127.0.0.1:" + pd.clientAddress().getPort();
        for (int i = 1; i <= nodeCount; i++) {
            KvNode node = new KvNode(
                    properties(dataDir.resolve("node-" + i)).toOptions(), new SimpleMeterRegistry(), Clock.systemUTC());
            open.push(node);
            node.start();
            nodes.add(node);
        }
    }

    static TestCluster start(Path dataDir, int nodeCount) {
        return new TestCluster(dataDir, nodeCount);
    }

    List<KvNode> nodes() {
        return List.copyOf(nodes);
    }

    RutileClient client() {
        return RutileClient.connect(clientOptions());
    }

    RutileClientOptions clientOptions() {
        return RutileClientOptions.of(List.of(pdEndpoint));
    }

    /** The service's own defaults, with free ports and quick heartbeats. */
    private KvNodeProperties properties(Path dataDir) {
        return new Binder(new MapConfigurationPropertySource(Map.of(
                        "rutile.node.data-dir", dataDir.toString(),
                        "rutile.node.address", "127.0.0.1:0",
                        "rutile.node.raft-address", "127.0.0.1:0",
                        "rutile.node.pd-endpoints", pdEndpoint,
                        "rutile.node.cache-size", "32MB",
                        "rutile.node.store-heartbeat-interval", "500ms",
                        "rutile.node.region-heartbeat-interval", "300ms")))
                .bind("rutile.node", KvNodeProperties.class)
                .get();
    }

    @Override
    public void close() throws Exception {
        while (!open.isEmpty()) {
            open.pop().close();
        }
    }
}
