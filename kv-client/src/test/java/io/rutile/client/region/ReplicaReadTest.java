package io.rutile.client.region;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.client.ReadFrom;
import io.rutile.client.RutileClient;
import io.rutile.client.RutileClientOptions;
import io.rutile.client.raw.RawKv;
import io.rutile.client.testing.FakeCluster;
import io.rutile.client.testing.FakeStore;
import io.rutile.client.txn.TxnReader;
import io.rutile.client.txn.TxnSnapshot;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.errorpb.DataIsNotReady;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.errorpb.ReadIndexNotReady;
import io.rutile.protocol.metapb.Peer;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Reads from any replica: three stores, the Region is led by store 1. */
class ReplicaReadTest {

    private static final ByteKey KEY = ByteKey.wrap("k".getBytes(UTF_8));
    private static final byte[] VALUE = "v".getBytes(UTF_8);
    private static final KeyRange ALL = KeyRange.ALL;

    private final FakeCluster cluster = new FakeCluster(1, 3);
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private RutileClient client;
    private RawKv raw;

    @BeforeEach
    void connect() {
        client = RutileClient.connect(
                new RutileClientOptions(cluster.pd.endpoints(), Duration.ofSeconds(10), Duration.ofSeconds(5), 2),
                meters);
        raw = client.raw().withReadFrom(ReadFrom.ANY);
        raw.put(KEY, VALUE, Duration.ZERO).join();
        await().until(() -> cluster.pd.storeLookups.get() >= 3);
    }

    @AfterEach
    void close() {
        client.close();
        cluster.close();
    }

    private Stream<FakeStore.Asked> asked(String method) {
        return cluster.stores.stream()
                .flatMap(store -> store.asked.stream())
                .filter(asked -> asked.method().equals(method));
    }

    private double counted(String name) {
        return meters.get(name).counter().count();
    }

    @Test
    void everyReplicaServesItsShareAndNobodyIsTakenForTheLeaderForIt() {
        for (int i = 0; i < 100; i++) {
            assertThat(raw.get(KEY).join()).contains(VALUE);
        }
        assertThat(raw.batchGet(List.of(KEY)).join()).hasSize(1);
        assertThat(raw.scan(new RawKv.ScanRequest(ALL, 10, false, false)).join())
                .hasSize(1);

        assertThat(cluster.stores).allMatch(store -> store.count("RawGet") > 5);
        assertThat(asked("RawGet"))
                .hasSize(100)
                .allMatch(asked -> asked.context().getReplicaRead());
        assertThat(counted("kv.client.replica.reads")).isEqualTo(102);
        assertThat(counted("kv.client.replica.reads.refused")).isZero();

        raw.put(KEY, VALUE, Duration.ZERO).join();
        assertThat(cluster.store(1).count("RawPut")).isEqualTo(2);
        assertThat(asked("RawPut"))
                .hasSize(2)
                .noneMatch(asked -> asked.context().getReplicaRead());
    }

    @Test
    void withoutAskingForItOnlyTheLeaderIsRead() {
        for (int i = 0; i < 20; i++) {
            client.raw().get(KEY).join();
        }

        assertThat(cluster.store(1).count("RawGet")).isEqualTo(20);
        assertThat(asked("RawGet")).noneMatch(asked -> asked.context().getReplicaRead());
    }

    static Stream<Error> whatAReplicaMaySay() {
        return Stream.of(
                RegionErrors.notLeader(1, null).error(),
                RegionErrors.notLeader(
                                1, Peer.newBuilder().setId(101).setStoreId(1).build())
                        .error(),
                RegionErrors.deadlineExceeded().error(),
                RegionErrors.serverIsBusy("read pool is busy", 10_000).error(),
                RegionErrors.staleCommand(1).error(),
                RegionErrors.mismatchPeerId(1, 2).error(),
                RegionErrors.regionNotFound(1).error(),
                Error.newBuilder()
                        .setReadIndexNotReady(ReadIndexNotReady.getDefaultInstance())
                        .build(),
                Error.newBuilder()
                        .setDataIsNotReady(DataIsNotReady.getDefaultInstance())
                        .build());
    }

    @ParameterizedTest
    @MethodSource("whatAReplicaMaySay")
    void aReplicaThatRefusesCostsOneAttemptAndTheLeaderAnswers(Error error) {
        cluster.store(2).nextErrors.add(error);
        cluster.store(3).nextErrors.add(error);
        int calls = 0;
        while (counted("kv.client.replica.reads.refused") < 2) {
            assertThat(raw.get(KEY).join()).contains(VALUE);
            calls++;
        }

        assertThat(asked("RawGet")).hasSize(calls + 2);
        assertThat(asked("RawGet").filter(asked -> !asked.context().getReplicaRead()))
                .hasSize(2)
                .allMatch(asked -> asked.context().getPeer().getStoreId() == 1);
    }

    @Test
    void aReplicaThatIsGoneIsPassedOver() {
        cluster.store(3).kill();

        for (int i = 0; i < 50; i++) {
            assertThat(raw.get(KEY).join()).contains(VALUE);
        }
    }

    @Test
    void snapshotsAreReadFromAnyReplicaToo() {
        TxnSnapshot snapshot =
                client.txn().snapshot(client.txn().currentTimestamp().join(), ReadFrom.ANY);

        for (int i = 0; i < 50; i++) {
            assertThat(snapshot.get(KEY).join()).isEmpty();
        }
        snapshot.batchGet(List.of(KEY)).join();
        snapshot.scan(new TxnReader.ScanRequest(ALL, 10, false, false)).join();

        assertThat(cluster.stores).allMatch(store -> store.count("KvGet") > 2);
        assertThat(asked("KvGet")).allMatch(asked -> asked.context().getReplicaRead());
        assertThat(asked("KvBatchGet"))
                .hasSize(1)
                .allMatch(asked -> asked.context().getReplicaRead());
        assertThat(asked("KvScan"))
                .isNotEmpty()
                .allMatch(asked -> asked.context().getReplicaRead());
    }

    @Test
    void staleReadsGoToAnyReplicaAndToTheLeaderWhereNothingIsSettledYet() {
        TxnSnapshot snapshot =
                client.txn().snapshot(client.txn().currentTimestamp().join(), ReadFrom.STALE);
        Error notReady = Error.newBuilder()
                .setDataIsNotReady(DataIsNotReady.getDefaultInstance())
                .build();
        int calls = 0;
        for (int store = 3; store >= 1; store--) {
            double refused = counted("kv.client.replica.reads.refused");
            cluster.store(store).nextErrors.add(notReady);
            while (counted("kv.client.replica.reads.refused") == refused) {
                assertThat(snapshot.get(KEY).join()).isEmpty();
                calls++;
            }
        }

        assertThat(asked("KvGet"))
                .hasSize(calls + 3)
                .noneMatch(asked -> asked.context().getReplicaRead());
        assertThat(asked("KvGet").filter(asked -> !asked.context().getStaleRead()))
                .as("what was refused is asked of the leader, as any other read")
                .hasSize(3)
                .allMatch(asked -> asked.context().getPeer().getStoreId() == 1);
    }

    @Test
    void rawPairsHaveNoVersionsToReadAt() {
        assertThatThrownBy(() -> client.raw().withReadFrom(ReadFrom.STALE))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
