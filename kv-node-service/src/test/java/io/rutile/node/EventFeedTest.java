package io.rutile.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.rutile.client.RutileClient;
import io.rutile.client.RutileClientOptions;
import io.rutile.client.feed.Change;
import io.rutile.client.feed.ChangeFeed;
import io.rutile.client.feed.ChangeFeedOptions;
import io.rutile.client.feed.FeedPosition;
import io.rutile.client.feed.FeedTooOldException;
import io.rutile.client.txn.Transaction;
import io.rutile.client.txn.TxnKv;
import io.rutile.client.txn.TxnOptions;
import io.rutile.node.cdc.CdcOptions;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.cdcpb.ChangeDataEvent;
import io.rutile.protocol.cdcpb.ChangeDataGrpc;
import io.rutile.protocol.cdcpb.ChangeDataRequest;
import io.rutile.protocol.cdcpb.ChangeDataRequest.KvAPI;
import io.rutile.protocol.cdcpb.Error;
import io.rutile.protocol.cdcpb.Event;
import io.rutile.protocol.cdcpb.Event.LogType;
import io.rutile.protocol.cdcpb.Event.Row;
import io.rutile.protocol.cdcpb.Header;
import io.rutile.protocol.kvrpcpb.BatchRollbackRequest;
import io.rutile.protocol.kvrpcpb.CommitRequest;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.Mutation;
import io.rutile.protocol.kvrpcpb.Op;
import io.rutile.protocol.kvrpcpb.PrewriteRequest;
import io.rutile.protocol.kvrpcpb.SplitRegionRequest;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.pdpb.RegionHeartbeatRequest;
import io.rutile.storage.mvcc.MvccKey;
import io.rutile.storage.mvcc.Ts;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a store says on a stream of {@code cdcpb.ChangeData}, and to whom it says no. */
class EventFeedTest {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final KeyRange ALL = new KeyRange(ByteKey.wrap(new byte[] {1}), ByteKey.EMPTY);
    private static final String LONG = "x".repeat(400);

    @TempDir
    Path dir;

    private @Nullable FakePd pd;
    private @Nullable TestNode node;
    private @Nullable RutileClient client;

    private void start(CdcOptions cdc) throws Exception {
        FakePd founded = new FakePd();
        pd = founded;
        node = new TestNode(TestNode.feeding(TestNode.options(List.of(founded.endpoint()), dir.resolve("n")), cdc))
                .start();
        await().atMost(PATIENCE).until(() -> founded.firstRegion().isPresent());
        client = RutileClient.connect(RutileClientOptions.of(List.of(founded.endpoint())));
    }

    private void start() throws Exception {
        start(new CdcOptions(Duration.ofMillis(20), 8 << 20, Duration.ofSeconds(30)));
    }

    @AfterEach
    void stop() throws Exception {
        if (client != null) {
            client.close();
        }
        if (node != null) {
            node.close();
        }
        if (pd != null) {
            pd.close();
        }
    }

    private FakePd pd() {
        assertThat(pd).isNotNull();
        return pd;
    }

    private TestNode node() {
        assertThat(node).isNotNull();
        return node;
    }

    private TxnKv txn() {
        assertThat(client).isNotNull();
        return client.txn();
    }

    private RegionHeartbeatRequest beat() {
        return pd().firstRegion().orElseThrow();
    }

    private Context context() {
        return TestNode.context(beat().getRegion(), beat().getLeader());
    }

    private long now() {
        return txn().currentTimestamp().join().value();
    }

    private static ByteString bytes(String text) {
        return ByteString.copyFromUtf8(text);
    }

    private static ByteKey key(String text) {
        return ByteKey.wrap(text.getBytes(StandardCharsets.UTF_8));
    }

    private static ByteString encoded(String key) {
        return MvccKey.of(bytes(key)).encoded().toByteString();
    }

    private void prewrite(long startTs, String key, @Nullable String value, long ttlMs) {
        Mutation.Builder mutation = Mutation.newBuilder().setKey(bytes(key)).setOp(value == null ? Op.Del : Op.Put);
        if (value != null) {
            mutation.setValue(bytes(value));
        }
        var answer = node().stub()
                .kvPrewrite(PrewriteRequest.newBuilder()
                        .setContext(context())
                        .addMutations(mutation)
                        .setPrimaryLock(bytes(key))
                        .setStartVersion(startTs)
                        .setLockTtl(ttlMs)
                        .build());
        assertThat(answer.getErrorsList()).isEmpty();
        assertThat(answer.hasRegionError()).isFalse();
    }

    private void commit(long startTs, long commitTs, String key) {
        var answer = node().stub()
                .kvCommit(CommitRequest.newBuilder()
                        .setContext(context())
                        .setStartVersion(startTs)
                        .setCommitVersion(commitTs)
                        .addKeys(bytes(key))
                        .build());
        assertThat(answer.hasError()).isFalse();
        assertThat(answer.hasRegionError()).isFalse();
    }

    /** In two phases. @return when it was committed */
    private long write(String key, @Nullable String value) {
        long startTs = now();
        prewrite(startTs, key, value, 3_000);
        long commitTs = now();
        commit(startTs, commitTs, key);
        return commitTs;
    }

    /** A client's side of a stream. */
    private final class Stream {

        private final LinkedBlockingQueue<ChangeDataEvent> messages = new LinkedBlockingQueue<>();
        private volatile @Nullable Throwable failure;
        private volatile boolean completed;
        private @Nullable ClientCallStreamObserver<ChangeDataRequest> call;

        Stream(boolean reads) {
            ChangeDataGrpc.newStub(node().channel())
                    .eventFeed(new ClientResponseObserver<ChangeDataRequest, ChangeDataEvent>() {
                        @Override
                        public void beforeStart(ClientCallStreamObserver<ChangeDataRequest> stream) {
                            call = stream;
                            if (!reads) {
                                stream.disableAutoRequestWithInitial(1);
                            }
                        }

                        @Override
                        public void onNext(ChangeDataEvent message) {
                            messages.add(message);
                        }

                        @Override
                        public void onError(Throwable why) {
                            failure = why;
                        }

                        @Override
                        public void onCompleted() {
                            completed = true;
                        }
                    });
        }

        ClientCallStreamObserver<ChangeDataRequest> call() {
            assertThat(call).isNotNull();
            return call;
        }

        void register(long requestId, long checkpointTs) {
            call().onNext(request(requestId, checkpointTs).build());
        }

        /** The next message that isn't about resolved timestamps; those are noted. */
        Event next() throws Exception {
            while (true) {
                ChangeDataEvent message = messages.poll(PATIENCE.toSeconds(), TimeUnit.SECONDS);
                assertThat(message).as("a message in time, not " + failure).isNotNull();
                if (message.hasResolvedTs()) {
                    resolvedTs = message.getResolvedTs().getTs();
                    continue;
                }
                return message.getEvents(0);
            }
        }

        long resolvedTs;

        /** Rows until one is of that kind; none is at or below what was resolved before. */
        List<Row> rowsUntil(Predicate<Row> last) throws Exception {
            List<Row> rows = new ArrayList<>();
            while (rows.isEmpty() || !last.test(rows.get(rows.size() - 1))) {
                Event event = next();
                assertThat(event.hasError()).as(String.valueOf(event)).isFalse();
                for (Row row : event.getEntries().getEntriesList()) {
                    if (row.getCommitTs() != 0) {
                        assertThat(Ts.isAfter(row.getCommitTs(), resolvedTs)).isTrue();
                    }
                    rows.add(row);
                }
            }
            return rows;
        }

        Error error() throws Exception {
            Event event = next();
            while (!event.hasError()) {
                event = next();
            }
            return event.getError();
        }

        void awaitResolved(long ts) {
            await().atMost(PATIENCE).until(() -> {
                ChangeDataEvent message = messages.poll(1, TimeUnit.SECONDS);
                if (message != null && message.hasResolvedTs()) {
                    resolvedTs = message.getResolvedTs().getTs();
                }
                return !Ts.isBefore(resolvedTs, ts);
            });
        }
    }

    private ChangeDataRequest.Builder request(long requestId, long checkpointTs) {
        Region region = beat().getRegion();
        return ChangeDataRequest.newBuilder()
                .setHeader(Header.newBuilder().setClusterId(FakePd.CLUSTER_ID))
                .setRequestId(requestId)
                .setRegionId(region.getId())
                .setRegionEpoch(region.getRegionEpoch())
                .setCheckpointTs(checkpointTs)
                .setKvApi(KvAPI.TxnKV)
                .setRegister(ChangeDataRequest.Register.getDefaultInstance());
    }

    private static boolean is(Row row, LogType type, String key) {
        return row.getType() == type && row.getKey().equals(bytes(key));
    }

    @Test
    void theScanTellsWhatWasMissedAndThenComesWhatHappens() throws Exception {
        start();
        write("a", "old");
        long checkpointTs = now();
        long missed = write("a", "missed");
        long deleted = write("b", null);
        long open = now();
        prewrite(open, "c", LONG, 60_000);

        Stream stream = new Stream(true);
        stream.register(1, checkpointTs);

        List<Row> scanned = stream.rowsUntil(row -> row.getType() == LogType.INITIALIZED);
        assertThat(scanned).hasSize(4);
        assertThat(scanned).anySatisfy(row -> {
            assertThat(is(row, LogType.PREWRITE, "c")).isTrue();
            assertThat(row.getStartTs()).isEqualTo(open);
            assertThat(row.getValue()).isEqualTo(bytes(LONG));
        });
        assertThat(scanned).anySatisfy(row -> {
            assertThat(is(row, LogType.COMMITTED, "a")).isTrue();
            assertThat(row.getCommitTs()).isEqualTo(missed);
            assertThat(row.getOpType()).isEqualTo(Row.OpType.PUT);
            assertThat(row.getValue()).isEqualTo(bytes("missed"));
        });
        assertThat(scanned).anySatisfy(row -> {
            assertThat(is(row, LogType.COMMITTED, "b")).isTrue();
            assertThat(row.getCommitTs()).isEqualTo(deleted);
            assertThat(row.getOpType()).isEqualTo(Row.OpType.DELETE);
        });

        // The open lock holds it back.
        stream.awaitResolved(open - 1);
        assertThat(stream.resolvedTs).isEqualTo(open - 1);
        long commitTs = now();
        commit(open, commitTs, "c");
        Row committed = stream.rowsUntil(row -> is(row, LogType.COMMIT, "c")).get(0);
        assertThat(committed.getStartTs()).isEqualTo(open);
        assertThat(committed.getCommitTs()).isEqualTo(commitTs);
        stream.awaitResolved(commitTs);
    }

    @Test
    void whatIsRolledBackAndWhatIsCommittedInOnePhaseIsTold() throws Exception {
        start();
        Stream stream = new Stream(true);
        stream.register(1, now());
        stream.rowsUntil(row -> row.getType() == LogType.INITIALIZED);

        long startTs = now();
        prewrite(startTs, "r", "never", 60_000);
        node().stub()
                .kvBatchRollback(BatchRollbackRequest.newBuilder()
                        .setContext(context())
                        .setStartVersion(startTs)
                        .addKeys(bytes("r"))
                        .build());
        List<Row> rows = stream.rowsUntil(row -> is(row, LogType.ROLLBACK, "r"));
        assertThat(rows).extracting(Row::getType).containsExactly(LogType.PREWRITE, LogType.ROLLBACK);
        assertThat(rows).extracting(Row::getStartTs).containsOnly(startTs);

        for (String value : List.of("short", LONG, "")) {
            long commitTs;
            try (Transaction one = txn().begin(TxnOptions.pessimistic()).join()) {
                one.lockKeys(List.of(key("one"))).join();
                one.put(key("one"), value.getBytes(StandardCharsets.UTF_8));
                commitTs = one.commit().join().value();
            }
            Row row =
                    stream.rowsUntil(told -> told.getKey().equals(bytes("one"))).get(0);
            assertThat(row.getType()).isEqualTo(LogType.COMMITTED);
            assertThat(row.getCommitTs()).isEqualTo(commitTs);
            assertThat(row.getValue()).isEqualTo(bytes(value));
        }
    }

    /** The record of a commit is written once more to say so, and that is no second commit. */
    @Test
    void aRollbackAtAnothersCommitTimestampIsNoCommit() throws Exception {
        start();
        Stream stream = new Stream(true);
        stream.register(1, now());
        stream.rowsUntil(row -> row.getType() == LogType.INITIALIZED);
        long commitTs = write("o", LONG);
        stream.rowsUntil(row -> is(row, LogType.COMMIT, "o"));
        stream.awaitResolved(commitTs);

        node().stub()
                .kvBatchRollback(BatchRollbackRequest.newBuilder()
                        .setContext(context())
                        .setStartVersion(commitTs)
                        .addKeys(bytes("o"))
                        .build());
        write("p", "next");

        assertThat(stream.rowsUntil(row -> is(row, LogType.COMMIT, "p")))
                .extracting(Row::getKey)
                .containsOnly(bytes("p"));
    }

    @Test
    void onlyTheWantedRangeIsTold() throws Exception {
        start();
        long checkpointTs = now();
        write("a", "1");
        write("m", "2");
        Stream stream = new Stream(true);
        stream.call()
                .onNext(request(1, checkpointTs)
                        .setStartKey(encoded("k"))
                        .setEndKey(encoded("n"))
                        .build());
        List<Row> scanned = stream.rowsUntil(row -> row.getType() == LogType.INITIALIZED);
        assertThat(scanned).hasSize(2);
        assertThat(scanned.get(0).getKey()).isEqualTo(bytes("m"));
        write("n", "3");
        write("b", "4");
        write("k", "5");

        assertThat(stream.rowsUntil(row -> is(row, LogType.COMMIT, "k")))
                .extracting(Row::getKey)
                .containsOnly(bytes("k"));
    }

    @Test
    void whatCannotBeFedIsSaidSo() throws Exception {
        start();
        long ts = now();
        Stream stream = new Stream(true);

        stream.call()
                .onNext(request(1, ts)
                        .setHeader(Header.newBuilder().setClusterId(42))
                        .build());
        assertThat(stream.error().getClusterIdMismatch().getCurrent()).isEqualTo(FakePd.CLUSTER_ID);
        stream.call().onNext(request(2, ts).setRegionId(4_711).build());
        assertThat(stream.error().getRegionNotFound().getRegionId()).isEqualTo(4_711);
        stream.call().onNext(request(3, ts).setKvApi(KvAPI.RawKV).build());
        assertThat(stream.error().getServerIsBusy().getReason()).contains("raw keys");
        stream.register(4, ts);
        stream.rowsUntil(row -> row.getType() == LogType.INITIALIZED);
        stream.register(4, ts);
        assertThat(stream.error().getDuplicateRequest().getRegionId())
                .isEqualTo(beat().getRegion().getId());
        stream.register(5, ts);
        stream.rowsUntil(row -> row.getType() == LogType.INITIALIZED);

        Region before = beat().getRegion();
        node().stub()
                .splitRegion(SplitRegionRequest.newBuilder()
                        .setContext(context())
                        .addSplitKeys(bytes("m"))
                        .build());
        for (int i = 0; i < 2; i++) {
            Error split = stream.error();
            assertThat(split.getEpochNotMatch().getCurrentRegionsList()).hasSize(2);
        }
        stream.call()
                .onNext(request(6, ts)
                        .setRegionId(before.getId())
                        .setRegionEpoch(before.getRegionEpoch())
                        .build());
        assertThat(stream.error().hasEpochNotMatch()).isTrue();

        stream.call().onCompleted();
        await().atMost(PATIENCE).until(() -> stream.completed);
        await().atMost(PATIENCE)
                .until(() -> node().metrics.get("kv.cdc.streams").gauge().value() == 0);
        assertThat(node().metrics.get("kv.cdc.memory").gauge().value()).isZero();
    }

    @Test
    void aDeregisteredRegionIsTellingNothingMore() throws Exception {
        start();
        Stream stream = new Stream(true);
        stream.register(1, now());
        stream.register(2, now());
        stream.rowsUntil(row -> row.getType() == LogType.INITIALIZED);
        stream.rowsUntil(row -> row.getType() == LogType.INITIALIZED);
        stream.call()
                .onNext(ChangeDataRequest.newBuilder()
                        .setRequestId(1)
                        .setDeregister(ChangeDataRequest.Deregister.getDefaultInstance())
                        .build());
        await().atMost(PATIENCE)
                .until(() -> node().metrics.get("kv.cdc.regions").gauge().value() == 1);

        write("a", "1");

        Event event = stream.next();
        while (event.getRequestId() == 1) {
            event = stream.next();
        }
        assertThat(event.getRequestId()).isEqualTo(2);
    }

    /** P7: on the wire, and to who comes back with an old position. */
    @Test
    void aCheckpointBeforeTheSafePointIsRefused() throws Exception {
        start();
        long old = now();
        long safePoint = write("a", "1");
        pd().gcSafePoint(safePoint);
        await().atMost(PATIENCE)
                .until(() -> node().metrics.get("kv.gc.safepoint").gauge().value() > 0);

        Stream stream = new Stream(true);
        stream.register(1, old);
        assertThat(stream.error().getServerIsBusy().getReason()).startsWith(RegionErrors.CHECKPOINT_TOO_OLD);
        stream.register(2, safePoint);
        stream.rowsUntil(row -> row.getType() == LogType.INITIALIZED);

        try (ChangeFeed feed = txn().changes(ALL, FeedPosition.after(new TimeStamp(old)), ChangeFeedOptions.DEFAULT)) {
            assertThat(failure(feed)).isInstanceOf(FeedTooOldException.class);
            assertThat(feed.isClosed()).isTrue();
            assertThat(failure(feed)).isInstanceOf(FeedTooOldException.class);
        }
        long next = write("b", "2");
        try (ChangeFeed feed =
                txn().changes(ALL, FeedPosition.after(new TimeStamp(safePoint)), ChangeFeedOptions.DEFAULT)) {
            assertThat(first(feed).commitTs().value()).isEqualTo(next);
        }
    }

    private static Throwable failure(ChangeFeed feed) throws Exception {
        try {
            while (true) {
                feed.next().get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
            }
        } catch (ExecutionException e) {
            return Objects.requireNonNull(e.getCause());
        }
    }

    private static Change first(ChangeFeed feed) throws Exception {
        List<Change> changes = List.of();
        while (changes.isEmpty()) {
            changes = feed.next().get(PATIENCE.toSeconds(), TimeUnit.SECONDS).changes();
        }
        return changes.get(0);
    }

    /** Nobody else ever meets the lock of a client that died: the feed itself has to. */
    @Test
    void aLockOfTheDeadDoesNotHoldAFeedForEver() throws Exception {
        start();
        try (ChangeFeed feed = txn().changes(
                        new KeyRange(key("k"), key("l")),
                        FeedPosition.after(new TimeStamp(now())),
                        ChangeFeedOptions.DEFAULT)) {
            // Outside of what is watched, in the same Region.
            prewrite(now(), "z", "left behind", 100);
            long commitTs = write("k", "1");

            assertThat(first(feed).commitTs().value()).isEqualTo(commitTs);
        }
    }

    @Test
    void aClientThatTakesNothingIsLetGoAndHoldsNobodyUp() throws Exception {
        start(new CdcOptions(Duration.ofMillis(20), 2 << 20, Duration.ofSeconds(2)));
        Stream slow = new Stream(false);
        slow.register(1, now());
        Stream quick = new Stream(true);
        quick.register(1, now());
        quick.rowsUntil(row -> row.getType() == LogType.INITIALIZED);
        String value = "x".repeat(100_000);
        for (int i = 0; i < 60; i++) {
            write("a" + i, value);
        }
        write("last", "1");

        quick.rowsUntil(row -> is(row, LogType.COMMIT, "last"));
        await().atMost(PATIENCE).until(() -> ends("slow") == 1);
        assertThat(ends("congested")).isEqualTo(1);
        slow.call().request(1_000);
        await().atMost(PATIENCE).until(() -> slow.failure != null);
        assertThat(Status.fromThrowable(Objects.requireNonNull(slow.failure)).getCode())
                .isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
        await().atMost(PATIENCE)
                .until(() -> node().metrics.get("kv.cdc.streams").gauge().value() == 1);
    }

    private double ends(String reason) {
        return node().metrics.get("kv.cdc.ends").tag("reason", reason).counter().count();
    }
}
