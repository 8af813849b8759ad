package io.rutile.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.tikv.common.BytePairWrapper;
import org.tikv.common.ByteWrapper;
import org.tikv.common.Snapshot;
import org.tikv.common.TiSession;
import org.tikv.common.exception.TiBatchWriteException;
import org.tikv.common.meta.TiTimestamp;
import org.tikv.common.util.BackOffer;
import org.tikv.common.util.ConcreteBackOffer;
import org.tikv.kvproto.Kvrpcpb.KvPair;
import org.tikv.shade.com.google.protobuf.ByteString;
import org.tikv.txn.KVClient;
import org.tikv.txn.TwoPhaseCommitter;

/** Transactions of the published client, unmodified, against three nodes. */
@Tag("cluster")
@ExtendWith(SharedHouse.class)
class TikvClientJavaTxnIT {

    private static final int BACK_OFF_MS = 20_000;
    private static final long LOCK_TTL_MS = 1_000;

    private static TiSession session;
    private static KVClient kv;

    @BeforeAll
    static void up(TestHouse shared) {
        session = TikvClients.txnSession(shared);
        kv = session.createKVClient();
    }

    @AfterAll
    static void down() throws Exception {
        if (kv != null) {
            kv.close();
        }
        if (session != null) {
            session.close();
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static ByteString text(String text) {
        return ByteString.copyFromUtf8(text);
    }

    private static long now() {
        return session.getTimestamp().getVersion();
    }

    private static BackOffer patience() {
        return ConcreteBackOffer.newCustomBackOff(BACK_OFF_MS);
    }

    /** One transaction over so many keys, from its first to its last step. */
    private static long commit(String prefix, int keys, String value) throws Exception {
        long startTs = now();
        byte[] primary = bytes(prefix + 0);
        List<BytePairWrapper> secondaries = IntStream.range(1, keys)
                .mapToObj(i -> new BytePairWrapper(bytes(prefix + i), bytes(value)))
                .toList();
        try (TwoPhaseCommitter committer = new TwoPhaseCommitter(session, startTs)) {
            committer.prewritePrimaryKey(patience(), primary, bytes(value));
            committer.prewriteSecondaryKeys(primary, secondaries.iterator(), BACK_OFF_MS);
            long commitTs = now();
            committer.commitPrimaryKey(patience(), primary, commitTs);
            committer.commitSecondaryKeys(
                    secondaries.stream()
                            .map(pair -> new ByteWrapper(pair.getKey()))
                            .iterator(),
                    commitTs,
                    BACK_OFF_MS);
            return commitTs;
        }
    }

    @Test
    void twoPhaseCommitterAndTheSnapshotsAroundIt() throws Exception {
        TiTimestamp before = session.getTimestamp();
        commit("client-java/two-", 1_000, "v1");
        TiTimestamp between = session.getTimestamp();
        commit("client-java/two-", 1_000, "v2");

        assertThat(session.createSnapshot(before).get(text("client-java/two-7")))
                .isEqualTo(ByteString.EMPTY);
        assertThat(session.createSnapshot(between).get(text("client-java/two-7")))
                .isEqualTo(text("v1"));
        Snapshot newest = session.createSnapshot();
        assertThat(newest.get(text("client-java/two-7"))).isEqualTo(text("v2"));
        assertThat(newest.batchGet(
                        BACK_OFF_MS,
                        IntStream.range(0, 1_000)
                                .mapToObj(i -> bytes("client-java/two-" + i))
                                .toList()))
                .hasSize(1_000)
                .allSatisfy(pair -> assertThat(pair.getValue()).isEqualTo(bytes("v2")));
        List<KvPair> scanned = new ArrayList<>();
        newest.scanPrefix(text("client-java/two-")).forEachRemaining(scanned::add);
        assertThat(scanned).hasSize(1_000);
        assertThat(scanned)
                .extracting(KvPair::getKey)
                .isSortedAccordingTo(
                        (a, b) -> ByteString.unsignedLexicographicalComparator().compare(a, b));
    }

    @Test
    void scansOfTheClientItself() throws Exception {
        commit("client-java/scan-", 30, "v");
        long version = now();

        // Scans without an end are left out: this client drops what it reads from the last Region then.
        assertThat(kv.scan(text("client-java/scan-"), text("client-java/scan-2"), version))
                .hasSize(12);
        assertThat(kv.get(text("client-java/scan-29"), version)).isEqualTo(text("v"));
    }

    @Test
    void aConflictingWriterIsRefused() throws Exception {
        long startTs = now();
        commit("client-java/conflict-", 1, "theirs");

        try (TwoPhaseCommitter late = new TwoPhaseCommitter(session, startTs)) {
            assertThatThrownBy(() -> late.prewritePrimaryKey(
                            ConcreteBackOffer.newCustomBackOff(1_000), bytes("client-java/conflict-0"), bytes("mine")))
                    .isInstanceOf(TiBatchWriteException.class);
        }
        assertThat(kv.get(text("client-java/conflict-0"), now())).isEqualTo(text("theirs"));
    }

    /** Died between prewrite and commit: whoever reads rolls it back when its time is up. */
    @Test
    void p2ReadersRollBackAWriterThatDiedBeforeItsCommit() throws Exception {
        commit("client-java/dead-", 3, "before");
        byte[] primary = bytes("client-java/dead-0");
        TiTimestamp start = session.getTimestamp();
        try (TwoPhaseCommitter dying = new TwoPhaseCommitter(session, start.getVersion(), LOCK_TTL_MS)) {
            dying.prewritePrimaryKey(patience(), primary, bytes("lost"));
            dying.prewriteSecondaryKeys(
                    primary,
                    List.of(
                                    new BytePairWrapper(bytes("client-java/dead-1"), bytes("lost")),
                                    new BytePairWrapper(bytes("client-java/dead-2"), bytes("lost")))
                            .iterator(),
                    BACK_OFF_MS);

            assertThat(kv.get(text("client-java/dead-2"), now()))
                    .as("a reader passes a writer that lives")
                    .isEqualTo(text("before"));
            await().until(() -> session.getTimestamp().getPhysical() > start.getPhysical() + LOCK_TTL_MS);
            assertThat(kv.get(text("client-java/dead-2"), now())).isEqualTo(text("before"));
            assertThat(session.createSnapshot().get(text("client-java/dead-0"))).isEqualTo(text("before"));
            long commitTs = now();
            assertThatThrownBy(
                            () -> dying.commitPrimaryKey(ConcreteBackOffer.newCustomBackOff(1_000), primary, commitTs))
                    .isInstanceOf(Exception.class);
        }
        assertThat(kv.get(text("client-java/dead-1"), now())).isEqualTo(text("before"));
    }

    /** P3: died after its primary was committed: whoever reads a secondary commits it. */
    @Test
    void p3ReadersFinishAWriterThatDiedAfterItsPrimary() throws Exception {
        byte[] primary = bytes("client-java/half-0");
        try (TwoPhaseCommitter dying = new TwoPhaseCommitter(session, now(), LOCK_TTL_MS)) {
            dying.prewritePrimaryKey(patience(), primary, bytes("v"));
            dying.prewriteSecondaryKeys(
                    primary,
                    List.of(new BytePairWrapper(bytes("client-java/half-1"), bytes("v")))
                            .iterator(),
                    BACK_OFF_MS);
            dying.commitPrimaryKey(patience(), primary, now());
        }

        assertThat(kv.get(text("client-java/half-1"), now())).isEqualTo(text("v"));
        assertThat(session.createSnapshot()
                        .batchGet(BACK_OFF_MS, List.of(bytes("client-java/half-0"), bytes("client-java/half-1"))))
                .hasSize(2);
    }
}
