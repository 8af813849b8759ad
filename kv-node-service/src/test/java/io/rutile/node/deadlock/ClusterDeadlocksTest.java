package io.rutile.node.deadlock;

import static io.rutile.node.deadlock.TestStore.edge;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.rutile.client.rpc.Endpoint;
import io.rutile.node.deadlock.TestStore.TestPd;
import io.rutile.protocol.deadlock.DeadlockGrpc;
import io.rutile.protocol.deadlock.DeadlockResponse;
import io.rutile.protocol.deadlock.WaitForEntriesRequest;
import io.rutile.protocol.deadlock.WaitForEntry;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Three stores that share one graph. */
@SuppressWarnings("FutureReturnValueIgnored") // some waits are only there to be waited for
class ClusterDeadlocksTest {

    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final TestPd pd = new TestPd();
    private final List<TestStore> stores = new ArrayList<>();
    private TestStore a;
    private TestStore b;
    private TestStore c;

    @BeforeEach
    void start() throws Exception {
        a = store();
        b = store();
        c = store();
    }

    private TestStore store() throws Exception {
        TestStore store = new TestStore(pd);
        stores.add(store);
        return store;
    }

    @AfterEach
    void stop() throws Exception {
        for (TestStore store : stores) {
            store.close();
        }
    }

    private void leads(TestStore store, long term) {
        stores.forEach(TestStore::follows);
        store.leads(term);
        pd.says(store);
    }

    /** What the store that leads keeps, as another would be told. */
    private static List<WaitForEntry> graphOf(TestStore store) {
        ManagedChannel channel = store.channel();
        try {
            return DeadlockGrpc.newBlockingStub(channel)
                    .withDeadlineAfter(5, TimeUnit.SECONDS)
                    .getWaitForEntries(WaitForEntriesRequest.getDefaultInstance())
                    .getEntriesList();
        } finally {
            channel.shutdownNow();
        }
    }

    private static void awaitGraph(TestStore store, WaitForEntry... edges) {
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(graphOf(store)).containsExactlyInAnyOrder(edges));
    }

    private static DeadlockResponse circle(CompletableFuture<@Nullable DeadlockResponse> answer) throws Exception {
        return answer.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }

    @Test
    void l15_aCircleOverTwoStoresEndsTheWaitThatClosesIt() throws Exception {
        leads(a, 1);
        WaitForEntry first = edge(10, 20, 'b').toBuilder()
                .setKey(ByteString.copyFromUtf8("b"))
                .build();
        WaitForEntry second = edge(20, 10, 'a').toBuilder()
                .setKey(ByteString.copyFromUtf8("a"))
                .build();

        CompletableFuture<@Nullable DeadlockResponse> waits = b.deadlocks.detect(first);
        awaitGraph(a, first);
        DeadlockResponse found = circle(c.deadlocks.detect(second));

        assertThat(found.getEntry()).isEqualTo(second);
        assertThat(found.getDeadlockKeyHash()).isEqualTo('b');
        assertThat(found.getWaitChainList()).containsExactly(first, second);
        assertThat(waits).isNotDone();
        assertThat(c.count("found")).isEqualTo(1);
    }

    @Test
    void theStoreThatKeepsTheGraphTakesPartWithItsOwnWaits() throws Exception {
        leads(a, 1);
        a.deadlocks.detect(edge(1, 2, 1));
        awaitGraph(a, edge(1, 2, 1));
        b.deadlocks.detect(edge(2, 3, 2));
        awaitGraph(a, edge(1, 2, 1), edge(2, 3, 2));

        assertThat(circle(a.deadlocks.detect(edge(3, 1, 3))).getWaitChainList())
                .containsExactly(edge(1, 2, 1), edge(2, 3, 2), edge(3, 1, 3));
    }

    @Test
    void anEndedWaitIsNoPartOfACircleAndIsAnsweredWithNull() throws Exception {
        leads(a, 1);
        CompletableFuture<@Nullable DeadlockResponse> ended = b.deadlocks.detect(edge(1, 2, 1));
        awaitGraph(a, edge(1, 2, 1));

        b.deadlocks.forget(edge(1, 2, 1));

        assertThat(ended.get(10, TimeUnit.SECONDS)).isNull();
        awaitGraph(a);
        CompletableFuture<@Nullable DeadlockResponse> harmless = c.deadlocks.detect(edge(2, 1, 2));
        awaitGraph(a, edge(2, 1, 2));
        assertThat(harmless).isNotDone();
    }

    @Test
    void waitsThatLiveAreToldToTheNewLeader() throws Exception {
        leads(a, 1);
        b.deadlocks.detect(edge(1, 2, 1));
        a.deadlocks.detect(edge(5, 6, 5));
        awaitGraph(a, edge(1, 2, 1), edge(5, 6, 5));

        leads(c, 2);

        awaitGraph(c, edge(1, 2, 1), edge(5, 6, 5));
        assertThat(circle(a.deadlocks.detect(edge(2, 1, 2))).getEntry()).isEqualTo(edge(2, 1, 2));
    }

    @Test
    void aCircleWhoseWaitsBeganUnderTwoLeadersIsFoundWithoutANewWait() throws Exception {
        // Nobody leads yet: both wait, and neither is known to the other.
        CompletableFuture<@Nullable DeadlockResponse> one = b.deadlocks.detect(edge(1, 2, 1));
        CompletableFuture<@Nullable DeadlockResponse> other = c.deadlocks.detect(edge(2, 1, 2));

        leads(a, 1);

        await().atMost(PATIENCE).until(() -> one.isDone() != other.isDone());
        assertThat(circle(one.isDone() ? one : other).getWaitChainCount()).isEqualTo(2);
    }

    @Test
    void aLeadThatIsRegainedBeginsWithTheWaitsThatStillLive() throws Exception {
        leads(a, 1);
        b.deadlocks.detect(edge(1, 2, 1));
        c.deadlocks.detect(edge(3, 4, 3));
        awaitGraph(a, edge(1, 2, 1), edge(3, 4, 3));

        a.leads(2); // it never noticed that it was not leader for a moment
        awaitGraph(a, edge(1, 2, 1), edge(3, 4, 3));

        assertThat(b.count("stream.failures")).isPositive();
        b.deadlocks.forget(edge(1, 2, 1));
        awaitGraph(a, edge(3, 4, 3));
    }

    @Test
    void whileTheLeaderIsUnreachableWaitsGoOnAndTheNextLeaderIsTold() throws Exception {
        try (ServerSocket nobody = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            pd.says(new Endpoint("127.0.0.1", nobody.getLocalPort()));
        }
        CompletableFuture<@Nullable DeadlockResponse> waits = b.deadlocks.detect(edge(1, 2, 1));
        await().atMost(PATIENCE).until(() -> b.count("stream.failures") >= 2);
        assertThat(waits).isNotDone();

        leads(a, 1);

        awaitGraph(a, edge(1, 2, 1));
    }

    @Test
    void aLeaderThatDiesIsReplaced() throws Exception {
        leads(a, 1);
        b.deadlocks.detect(edge(1, 2, 1));
        awaitGraph(a, edge(1, 2, 1));

        a.kill();
        leads(c, 2);

        awaitGraph(c, edge(1, 2, 1));
    }

    @Test
    void whatPdStillTakesForTheLeaderSendsCallersAway() throws Exception {
        a.follows();
        pd.says(a);
        b.deadlocks.detect(edge(1, 2, 1));
        await().atMost(PATIENCE).until(() -> b.count("stream.failures") >= 1);

        leads(c, 1);

        awaitGraph(c, edge(1, 2, 1));
    }

    @Test
    void r10_moreWaitsThanAreKeptInMindAreNotTold() throws Exception {
        leads(a, 1);
        for (int i = 0; i < TestStore.EDGES_MAX; i++) {
            b.deadlocks.detect(edge(1_000 + i, 1, i));
        }
        await().atMost(PATIENCE).until(() -> graphOf(a).size() == TestStore.EDGES_MAX);

        assertThat(b.deadlocks.detect(edge(1, 1_000, 7)).get(10, TimeUnit.SECONDS))
                .isNull();
        assertThat(b.count("edges.refused")).isEqualTo(1);

        b.deadlocks.forget(edge(1_001, 1, 1));
        await().atMost(PATIENCE).until(() -> graphOf(a).size() == TestStore.EDGES_MAX - 1);
        assertThat(circle(b.deadlocks.detect(edge(1, 1_000, 7))).getWaitChainCount())
                .isEqualTo(2);
    }

    @Test
    void theSameWaitTwiceIsOneEdgeUntilBothHaveEnded() throws Exception {
        leads(a, 1);
        CompletableFuture<@Nullable DeadlockResponse> first = b.deadlocks.detect(edge(1, 2, 1));
        CompletableFuture<@Nullable DeadlockResponse> again = b.deadlocks.detect(edge(1, 2, 1));
        awaitGraph(a, edge(1, 2, 1));

        b.deadlocks.forget(edge(1, 2, 1));
        assertThat(circle(c.deadlocks.detect(edge(2, 1, 2))).getEntry()).isEqualTo(edge(2, 1, 2));
        b.deadlocks.forget(edge(1, 2, 1));

        assertThat(first.get(10, TimeUnit.SECONDS)).isNull();
        assertThat(again.get(10, TimeUnit.SECONDS)).isNull();
        awaitGraph(a);
    }

    @Test
    void closingAnswersEveryWaitWithNull() throws Exception {
        leads(a, 1);
        CompletableFuture<@Nullable DeadlockResponse> waits = b.deadlocks.detect(edge(1, 2, 1));

        b.deadlocks.close();

        assertThat(waits.get(10, TimeUnit.SECONDS)).isNull();
        assertThat(b.deadlocks.detect(edge(2, 3, 2)).get(10, TimeUnit.SECONDS)).isNull();
        b.deadlocks.forget(edge(2, 3, 2));
    }
}
