package io.rutile.gateway.grpc;

import static io.rutile.gateway.RunningGateway.bytes;
import static io.rutile.gateway.RunningGateway.key;
import static io.rutile.gateway.grpc.GrpcTesting.assertRefused;
import static io.rutile.gateway.grpc.GrpcTesting.pair;
import static io.rutile.gateway.grpc.GrpcTesting.utf8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.common.util.concurrent.ListenableFuture;
import com.google.rpc.RetryInfo;
import io.grpc.Status.Code;
import io.rutile.client.KvClientException;
import io.rutile.client.KvClientException.Kind;
import io.rutile.client.txn.TxnFailures;
import io.rutile.client.txn.TxnOptions;
import io.rutile.gateway.RunningGateway;
import io.rutile.gateway.v1.BeginRequest;
import io.rutile.gateway.v1.BeginResponse;
import io.rutile.gateway.v1.CommitRequest;
import io.rutile.gateway.v1.CommitResponse;
import io.rutile.gateway.v1.Condition;
import io.rutile.gateway.v1.ContendedKey;
import io.rutile.gateway.v1.ExecuteRequest;
import io.rutile.gateway.v1.ExecuteResponse;
import io.rutile.gateway.v1.Operation;
import io.rutile.gateway.v1.ReadRequest;
import io.rutile.gateway.v1.RollbackRequest;
import io.rutile.gateway.v1.Scan;
import io.rutile.gateway.v1.TransactionsGrpc;
import io.rutile.gateway.v1.TxnBatchGetRequest;
import io.rutile.gateway.v1.TxnDeleteRequest;
import io.rutile.gateway.v1.TxnGetRequest;
import io.rutile.gateway.v1.TxnGetResponse;
import io.rutile.gateway.v1.TxnLockRequest;
import io.rutile.gateway.v1.TxnPutRequest;
import io.rutile.gateway.v1.TxnScanRequest;
import io.rutile.protocol.TimeStamp;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class TransactionsGrpcTest {

    private final RunningGateway gateway = RunningGateway.shared();
    private final TransactionsGrpc.TransactionsBlockingStub txn = TransactionsGrpc.newBlockingStub(gateway.channel());

    @AfterEach
    void nothingIsLostOrStuck() {
        gateway.txn.open();
        await().untilAsserted(() -> {
            assertThat(gateway.gauge("kv.gateway.requests.in.flight")).isZero();
            assertThat(gateway.gauge("kv.gateway.in.flight")).isZero();
        });
    }

    // ---- sessions

    @Test
    void aTransactionIsBegunUsedAndCommitted() {
        gateway.txn.write(key("account/a"), bytes("10"));
        BeginResponse begun = txn.begin(BeginRequest.getDefaultInstance());
        String id = begun.getTransactionId();
        assertThat(begun.getIdleTimeoutMs()).isEqualTo(30_000);
        assertThat(begun.getLifetimeMs()).isEqualTo(300_000);

        assertThat(get(id, "account/a").getValue()).isEqualTo(utf8("10"));
        assertThat(get(id, "account/b").hasValue()).isFalse();
        put(id, "account/a", "7");
        put(id, "account/b", "3");
        assertThat(get(id, "account/b").getValue()).isEqualTo(utf8("3"));
        assertThat(scan(id, Scan.newBuilder().setPrefix(utf8("account/"))))
                .containsExactly("account/a=7", "account/b=3");
        assertThat(scan(id, Scan.newBuilder().setReverse(true).setKeysOnly(true).setLimit(1)))
                .containsExactly("account/b=");
        txn.delete(TxnDeleteRequest.newBuilder()
                .setTransactionId(id)
                .addKeys(utf8("account/a"))
                .build());
        assertThat(gateway.txn.newest()).containsOnlyKeys(key("account/a"));

        CommitResponse committed = commit(id);

        assertThat(committed.getCommitTs()).isGreaterThan(begun.getStartTs());
        assertThat(gateway.txn.newest()).containsOnlyKeys(key("account/b"));
        assertThat(commit(id)).as("asked again").isEqualTo(committed);
        assertThat(gateway.txn.commits()).isEqualTo(1);
        assertRefused(() -> get(id, "account/b"), Code.NOT_FOUND, "TRANSACTION_NOT_FOUND");
        assertRefused(() -> rollback(id), Code.FAILED_PRECONDITION, "TRANSACTION_COMMITTING");
    }

    @Test
    void manyKeysTakeOneCall() {
        gateway.txn.write(key("c"), bytes("3"));
        String id = begin();

        txn.put(TxnPutRequest.newBuilder()
                .setTransactionId(id)
                .addPairs(pair("a", "0"))
                .addPairs(pair("b", "2"))
                .addPairs(pair("a", "1"))
                .build());
        List<String> read = new ArrayList<>();
        txn.batchGet(TxnBatchGetRequest.newBuilder()
                        .setTransactionId(id)
                        .addKeys(utf8("c"))
                        .addKeys(utf8("nothing"))
                        .addKeys(utf8("a"))
                        .build())
                .forEachRemaining(part -> part.getPairsList().forEach(pair -> read.add(GrpcTesting.text(pair))));
        commit(id);

        assertThat(read).containsExactly("c=3", "a=1");
        assertThat(gateway.txn.newest()).containsOnlyKeys(key("a"), key("b"), key("c"));
    }

    @Test
    void aWriteConflictIsToldWithItsKeyAndNeverRepeated() { // P5
        String id = begin();
        put(id, "k", "mine");
        gateway.txn.write(key("k"), bytes("theirs"));

        for (int i = 0; i < 2; i++) {
            var status = assertRefused(() -> commit(id), Code.ABORTED, "CONFLICT");
            assertThat(GrpcTesting.error(status)).isEqualTo("WriteConflict");
            assertThat(GrpcTesting.retryable(status)).isFalse();
            assertThat(GrpcTesting.detail(status, ContendedKey.class)
                            .orElseThrow()
                            .getKey())
                    .isEqualTo(utf8("k"));
        }
        assertThat(gateway.txn.commits()).isEqualTo(1);
        assertThat(gateway.txn.newest().get(key("k"))).isEqualTo(bytes("theirs"));
    }

    @Test
    void anUndeterminedCommitHasAReasonOfItsOwn() {
        String id = begin();
        gateway.txn.failNext(TxnFailures.undetermined(new TimeStamp(7)));

        assertThat(GrpcTesting.retryable(assertRefused(() -> commit(id), Code.UNKNOWN, "UNDETERMINED")))
                .isFalse();
    }

    @Test
    void pessimisticLocksAreHeldWhenTheyAreAnswered() {
        gateway.txn.write(key("k"), bytes("old"));
        String id = begin(BeginRequest.newBuilder().setPessimistic(true).setLockWaitMs(0));
        String other = begin(BeginRequest.newBuilder().setPessimistic(true).setLockWaitMs(250));
        assertThat(gateway.txn.begun().get(0).lockWait()).isZero();
        assertThat(gateway.txn.begun().get(1).lockWait()).isEqualTo(Duration.ofMillis(250));
        assertThat(gateway.txn.begun().get(1).pessimisticLocks()).isTrue();
        gateway.txn.write(key("k"), bytes("new"));

        assertThat(get(id, "k").getValue()).isEqualTo(utf8("old"));
        assertThat(txn.get(TxnGetRequest.newBuilder()
                                .setTransactionId(id)
                                .setKey(utf8("k"))
                                .setForUpdate(true)
                                .build())
                        .getValue())
                .isEqualTo(utf8("new"));
        var status = assertRefused(() -> lock(other, "k"), Code.UNAVAILABLE, "BUSY");
        assertThat(GrpcTesting.error(status)).isEqualTo("KeyIsLocked");
        assertThat(GrpcTesting.detail(status, ContendedKey.class).orElseThrow().getKey())
                .isEqualTo(utf8("k"));
        rollback(id);
        lock(other, "k");
        rollback(other);
    }

    @Test
    void optimisticLocksGuardAgainstWriteSkew() {
        String id = begin();
        lock(id, "on-call");
        put(id, "other", "v");
        gateway.txn.write(key("on-call"), bytes("nobody"));

        assertRefused(() -> commit(id), Code.ABORTED, "CONFLICT");
    }

    @Test
    void aBeginSaysHowLongCallsMayTake() {
        begin(BeginRequest.newBuilder().setCallTimeoutMs(1_500));
        begin();

        List<TxnOptions> begun = gateway.txn.begun();
        assertThat(begun.get(0).callTimeout()).isEqualTo(Duration.ofMillis(1_500));
        assertThat(begun.get(0).commitTimeout()).isEqualTo(Duration.ofMillis(1_500));
        assertThat(begun.get(1).callTimeout()).isEqualTo(Duration.ofSeconds(10));
        assertThat(begun.get(1).pessimisticLocks()).isFalse();
    }

    @Test
    void callsOfATransactionComeOneAtATime() throws Exception {
        String id = begin();
        gateway.txn.close();
        ListenableFuture<TxnGetResponse> first = TransactionsGrpc.newFutureStub(gateway.channel())
                .get(TxnGetRequest.newBuilder()
                        .setTransactionId(id)
                        .setKey(utf8("k"))
                        .build());
        await().untilAsserted(() -> {
            var status = assertRefused(() -> put(id, "k", "v"), Code.FAILED_PRECONDITION, "TRANSACTION_IN_USE");
            assertThat(GrpcTesting.retryable(status)).isTrue();
        });

        gateway.txn.open();

        assertThat(first.get(10, TimeUnit.SECONDS).hasValue()).isFalse();
        put(id, "k", "v");
        rollback(id);
        rollback(id);
        assertThat(gateway.txn.newest()).isEmpty();
    }

    @Test
    void transactionsAreBoundedAndExpire() { // R10
        try (RunningGateway small =
                RunningGateway.start("rutile.gateway.txn.open-max=1", "rutile.gateway.txn.idle-timeout=500ms")) {
            TransactionsGrpc.TransactionsBlockingStub stub = TransactionsGrpc.newBlockingStub(small.channel());
            String first = stub.begin(BeginRequest.getDefaultInstance()).getTransactionId();

            var status = assertRefused(() -> stub.begin(BeginRequest.getDefaultInstance()), Code.UNAVAILABLE, "BUSY");

            assertThat(GrpcTesting.error(status)).isEqualTo("ServerIsBusy");
            assertThat(GrpcTesting.detail(status, RetryInfo.class)).isPresent();
            await().untilAsserted(
                            () -> assertThat(small.gauge("kv.gateway.txn.open")).isZero());
            assertRefused(
                    () -> stub.commit(
                            CommitRequest.newBuilder().setTransactionId(first).build()),
                    Code.NOT_FOUND,
                    "TRANSACTION_NOT_FOUND");
        }
    }

    @Test
    void whatIsNotValidIsRefused() {
        String id = begin();

        assertInvalid(() -> begin(BeginRequest.newBuilder().setCallTimeoutMs(0)));
        assertInvalid(() -> begin(BeginRequest.newBuilder().setCallTimeoutMs(60_001)));
        assertInvalid(() -> begin(BeginRequest.newBuilder().setLockWaitMs(60_001)));
        assertInvalid(() -> begin(BeginRequest.newBuilder().setLockWaitMs(-1)));
        assertInvalid(() -> put(id, "", "v"));
        assertInvalid(() -> put(id, "k".repeat((8 << 10) + 1), "v"));
        assertRefused(() -> put(id, "k", "v".repeat((8 << 20) + 1)), Code.INVALID_ARGUMENT, "TOO_LARGE");
        assertRefused(() -> put("", "k", "v"), Code.NOT_FOUND, "TRANSACTION_NOT_FOUND");
        assertRefused(() -> scan("nobody's", Scan.newBuilder()), Code.NOT_FOUND, "TRANSACTION_NOT_FOUND");
        assertRefused(() -> scan("nobody's", Scan.newBuilder().setLimit(0)), Code.NOT_FOUND, "TRANSACTION_NOT_FOUND");
        gateway.txn.failNext(new KvClientException(Kind.UNAVAILABLE, "words", null, null));
        assertRefused(() -> scan(id, Scan.newBuilder()), Code.UNAVAILABLE, "UNAVAILABLE");
        rollback(id);
    }

    // ---- without a session

    @Test
    void anAtomicCallReadsChecksAndWrites() {
        gateway.txn.write(key("stock/apple"), bytes("3"));
        ExecuteRequest sale = ExecuteRequest.newBuilder()
                .addCompare(Condition.newBuilder().setKey(utf8("stock/apple")).setEquals(utf8("3")))
                .addCompare(Condition.newBuilder().setKey(utf8("order/7")).setExists(false))
                .addThen(Operation.newBuilder().setPut(pair("stock/apple", "2")))
                .addThen(Operation.newBuilder().setPut(pair("order/7", "apple")))
                .addThen(Operation.newBuilder().setDelete(utf8("cart/7")))
                .addOtherwise(Operation.newBuilder().setGet(utf8("stock/apple")))
                .addOtherwise(Operation.newBuilder()
                        .setScan(Scan.newBuilder().setPrefix(utf8("order/")).setLimit(10)))
                .build();

        ExecuteResponse sold = txn.execute(sale);
        ExecuteResponse not = txn.execute(sale);

        assertThat(sold.getSucceeded()).isTrue();
        assertThat(sold.getCommitTs()).isGreaterThan(sold.getStartTs());
        assertThat(sold.getResultsList()).hasSize(3).allMatch(result -> result.getPairsCount() == 0);
        assertThat(not.getSucceeded()).isFalse();
        assertThat(not.hasCommitTs()).isFalse();
        assertThat(not.getResults(0).getPairsList()).containsExactly(pair("stock/apple", "2"));
        assertThat(not.getResults(1).getPairsList()).containsExactly(pair("order/7", "apple"));
        assertThat(gateway.txn.newest().get(key("stock/apple"))).isEqualTo(bytes("2"));
    }

    @Test
    void aNamedCallIsAnsweredAsBeforeAndItsNameIsItsOwn() { // P5
        ExecuteRequest sale = ExecuteRequest.newBuilder()
                .addCompare(Condition.newBuilder().setKey(utf8("a")).setExists(false))
                .addThen(Operation.newBuilder().setPut(pair("a", "1")))
                .addThen(Operation.newBuilder().setGet(utf8("a")))
                .setIdempotencyKey("order-8")
                .build();

        ExecuteResponse first = txn.execute(sale);
        assertThat(first.getSucceeded()).isTrue();
        assertThat(txn.execute(sale)).isEqualTo(first);

        assertRefused(
                () -> txn.execute(sale.toBuilder()
                        .setThen(0, Operation.newBuilder().setPut(pair("a", "2")))
                        .build()),
                Code.INVALID_ARGUMENT,
                "IDEMPOTENCY_KEY_REUSED");
        assertThat(txn.execute(sale.toBuilder().setIdempotencyKey("order-9").build())
                        .getSucceeded())
                .isFalse();
        assertThat(gateway.txn.newest().get(key("a"))).isEqualTo(bytes("1"));
    }

    @Test
    void aNamedCommitIsKeptThough() { // P5
        String id = begin();
        put(id, "a", "1");
        CommitRequest named = CommitRequest.newBuilder()
                .setTransactionId(id)
                .setIdempotencyKey("commit-1")
                .build();

        CommitResponse committed = txn.commit(named);

        assertThat(txn.commit(named)).isEqualTo(committed);
        assertRefused(
                () -> txn.execute(ExecuteRequest.newBuilder()
                        .setIdempotencyKey("commit-1")
                        .build()),
                Code.INVALID_ARGUMENT,
                "IDEMPOTENCY_KEY_REUSED");
    }

    @Test
    void aNameThatCannotBeKeptIsRefused() {
        String id = begin();
        for (String name : List.of("", "two words", "n".repeat(256), "ü")) {
            assertInvalid(() -> txn.execute(
                    ExecuteRequest.newBuilder().setIdempotencyKey(name).build()));
            assertInvalid(() -> txn.commit(CommitRequest.newBuilder()
                    .setTransactionId(id)
                    .setIdempotencyKey(name)
                    .build()));
        }
        assertThat(gateway.txn.commits()).isZero();
        rollback(id);
    }

    @Test
    void aConflictOfAnAtomicCallMayBeTriedAgain() { // P5
        gateway.txn.beforeNextCommit(() -> gateway.txn.write(key("a"), bytes("theirs")));

        var status = assertRefused(
                () -> txn.execute(ExecuteRequest.newBuilder()
                        .addCompare(Condition.newBuilder().setKey(utf8("a")).setExists(false))
                        .addThen(Operation.newBuilder().setPut(pair("b", "1")))
                        .build()),
                Code.ABORTED,
                "CONFLICT");

        assertThat(GrpcTesting.retryable(status)).isTrue();
        assertThat(gateway.txn.newest()).containsOnlyKeys(key("a"));
        assertThat(gateway.txn.openCount()).isZero();
    }

    @Test
    void anAtomicCallReadsNoMoreThanItsClientTakes() {
        IntStream.range(0, 5).forEach(i -> gateway.txn.write(key("k" + i), new byte[1 << 20]));
        ExecuteRequest.Builder call = ExecuteRequest.newBuilder()
                .addThen(Operation.newBuilder().setPut(pair("written", "v")))
                .addThen(Operation.newBuilder()
                        .setScan(Scan.newBuilder().setPrefix(utf8("k")).setLimit(5)));

        assertRefused(() -> txn.execute(call.build()), Code.INVALID_ARGUMENT, "TOO_LARGE");
        assertThat(gateway.txn.newest()).doesNotContainKey(key("written"));

        ExecuteResponse done = txn.execute(call.setReadBytesMax(16 << 20).build());
        assertThat(done.getResults(1).getPairsCount()).isEqualTo(5);
        assertInvalid(() -> txn.execute(call.setReadBytesMax((16 << 20) + 1).build()));
    }

    @Test
    void anAtomicCallThatIsNoneIsRefused() {
        assertInvalid(() -> txn.execute(ExecuteRequest.newBuilder()
                .addCompare(Condition.newBuilder().setKey(utf8("k")))
                .build()));
        assertInvalid(() -> txn.execute(ExecuteRequest.newBuilder()
                .addThen(Operation.getDefaultInstance())
                .build()));
        for (long limit : new long[] {0, -1, 10_241}) {
            assertInvalid(() -> txn.execute(ExecuteRequest.newBuilder()
                    .addThen(Operation.newBuilder().setScan(Scan.newBuilder().setLimit(limit)))
                    .build()));
        }
        assertRefused(
                () -> txn.execute(ExecuteRequest.newBuilder()
                        .addAllOtherwise(Collections.nCopies(
                                257, Operation.newBuilder().setGet(utf8("k")).build()))
                        .build()),
                Code.INVALID_ARGUMENT,
                "TOO_LARGE");
        ExecuteResponse nothing = txn.execute(ExecuteRequest.getDefaultInstance());
        assertThat(nothing.getSucceeded()).isTrue();
        assertThat(nothing.getResultsCount()).isZero();
    }

    @Test
    void aReadShowsWhatIsCommittedNowOrWasThen() {
        TimeStamp first = gateway.txn.write(key("k"), bytes("1"));
        gateway.txn.write(key("k"), bytes("2"));
        ReadRequest.Builder read = ReadRequest.newBuilder().setKey(utf8("k"));

        assertThat(txn.read(read.build()).getValue()).isEqualTo(utf8("2"));
        assertThat(txn.read(read.setTs(first.value()).build()).getValue()).isEqualTo(utf8("1"));
        assertThat(txn.read(ReadRequest.newBuilder().setKey(utf8("l")).build()).hasValue())
                .isFalse();
        assertInvalid(() -> txn.read(read.setTs(0).build()));
        assertInvalid(() -> txn.read(read.setTs(-1).build()));
    }

    private String begin() {
        return begin(BeginRequest.newBuilder());
    }

    private String begin(BeginRequest.Builder options) {
        return txn.begin(options.build()).getTransactionId();
    }

    private TxnGetResponse get(String id, String key) {
        return txn.get(TxnGetRequest.newBuilder()
                .setTransactionId(id)
                .setKey(utf8(key))
                .build());
    }

    private void put(String id, String key, String value) {
        txn.put(TxnPutRequest.newBuilder()
                .setTransactionId(id)
                .addPairs(pair(key, value))
                .build());
    }

    private void lock(String id, String key) {
        txn.lock(TxnLockRequest.newBuilder()
                .setTransactionId(id)
                .addKeys(utf8(key))
                .build());
    }

    private List<String> scan(String id, Scan.Builder scan) {
        List<String> pairs = new ArrayList<>();
        txn.scan(TxnScanRequest.newBuilder().setTransactionId(id).setScan(scan).build())
                .forEachRemaining(part -> part.getPairsList().forEach(pair -> pairs.add(GrpcTesting.text(pair))));
        return pairs;
    }

    private CommitResponse commit(String id) {
        return txn.commit(CommitRequest.newBuilder().setTransactionId(id).build());
    }

    private void rollback(String id) {
        txn.rollback(RollbackRequest.newBuilder().setTransactionId(id).build());
    }

    private static void assertInvalid(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        assertRefused(call, Code.INVALID_ARGUMENT, "INVALID_REQUEST");
    }
}
