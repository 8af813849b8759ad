package io.rutile.gateway.kv;

import static io.rutile.gateway.RunningGateway.bytes;
import static io.rutile.gateway.RunningGateway.key;
import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.client.KvClientException;
import io.rutile.client.KvClientException.Kind;
import io.rutile.client.raw.RawKv.Pair;
import io.rutile.client.raw.RawKv.ScanRequest;
import io.rutile.client.rpc.Futures;
import io.rutile.client.txn.TxnSnapshot;
import io.rutile.gateway.kv.AtomicCall.Condition;
import io.rutile.gateway.kv.AtomicCall.Delete;
import io.rutile.gateway.kv.AtomicCall.Get;
import io.rutile.gateway.kv.AtomicCall.Operation;
import io.rutile.gateway.kv.AtomicCall.Put;
import io.rutile.gateway.kv.AtomicCall.Scan;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AtomicCallsTest {

    private static final Duration TIMEOUT = Duration.ofSeconds(20);

    private final InMemoryTransactions cluster = new InMemoryTransactions();
    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final IdempotencyRecords records = new IdempotencyRecords(cluster, Duration.ofHours(1), metrics);
    private final AtomicCalls calls = new AtomicCalls(cluster, records);
    private final GatewayLimits limits = new GatewayLimits(100, 128 << 20, metrics);

    @AfterEach
    void nothingStaysOpen() {
        assertThat(cluster.openCount()).isZero();
    }

    @ParameterizedTest(name = "{0} with {1}: {2}")
    @CsvSource(nullValues = "-", textBlock = """
            equals 1,     1, true
            equals 1,     2, false
            equals 1,     -, false
            equals '',    -, false
            exists true,  1, true
            exists true,  -, false
            exists false, -, true
            exists false, 1, false
            """)
    void aConditionDecidesTheBranch(String condition, @Nullable String value, boolean holds) {
        if (value != null) {
            cluster.write(key("k"), bytes(value));
        }
        Condition compared = condition.startsWith("equals")
                ? Condition.equals(key("k"), bytes(condition.substring(7).replace("'", "")))
                : Condition.exists(key("k"), condition.endsWith("true"));

        AtomicCall.Result result = run(new AtomicCall(
                List.of(compared),
                List.of(new Put(key("branch"), bytes("then"))),
                List.of(new Put(key("branch"), bytes("else")))));

        assertThat(result.succeeded()).isEqualTo(holds);
        assertThat(cluster.newest().get(key("branch"))).isEqualTo(bytes(holds ? "then" : "else"));
        assertThat(result.commitTs()).isGreaterThan(result.startTs());
    }

    @Test
    void allConditionsHaveToHold() {
        cluster.write(key("a"), bytes("1"));

        assertThat(run(new AtomicCall(
                                List.of(Condition.equals(key("a"), bytes("1")), Condition.exists(key("b"), true)),
                                List.of(),
                                List.of()))
                        .succeeded())
                .isFalse();
        assertThat(run(new AtomicCall(List.of(), List.of(), List.of())).succeeded())
                .isTrue();
    }

    @Test
    void operationsSeeTheWritesBeforeThem() {
        cluster.write(key("a"), bytes("1"));
        cluster.write(key("b"), bytes("2"));

        AtomicCall.Result result = then(
                new Get(key("a")),
                new Get(key("nothing")),
                new Put(key("a"), bytes("one")),
                new Delete(key("b")),
                new Get(key("a")),
                new Get(key("a")),
                new Get(key("b")),
                all(10));

        assertThat(result.results().stream().map(AtomicCallsTest::words))
                .containsExactly("a=1", "", "", "", "a=one", "a=one", "", "a=one");
        assertThat(cluster.newest()).containsOnlyKeys(key("a"));
    }

    @Test
    void aBranchThatOnlyReadsCommitsNothing() {
        cluster.write(key("a"), bytes("1"));
        cluster.write(key("b"), bytes("2"));

        AtomicCall.Result result = then(all(1), new Get(key("b")));

        assertThat(result.commitTs()).isNull();
        assertThat(result.results().stream().map(AtomicCallsTest::words)).containsExactly("a=1", "b=2");
        assertThat(cluster.commits()).isZero();
    }

    @Test
    void aComparedKeyThatIsWrittenMeanwhileIsAConflict() { // P5
        cluster.write(key("guard"), bytes("open"));
        cluster.beforeNextCommit(() -> cluster.write(key("guard"), bytes("closed")));

        Throwable failure = failure(new AtomicCall(
                List.of(Condition.equals(key("guard"), bytes("open"))),
                List.of(new Put(key("other"), bytes("v"))),
                List.of()));

        assertThat(((KvClientException) failure).kind()).isEqualTo(Kind.CONFLICT);
        assertThat(cluster.newest()).containsOnlyKeys(key("guard"));
        assertThat(cluster.commits()).as("it is the caller who tries again").isEqualTo(1);
    }

    @Test
    void noIncrementIsLost() { // P6
        cluster.write(key("counter"), bytes("0"));

        CompletableFuture<?>[] writers = IntStream.range(0, 8)
                .mapToObj(any -> CompletableFuture.runAsync(() -> {
                    for (int done = 0; done < 25; ) {
                        String read = words(
                                        then(new Get(key("counter"))).results().get(0))
                                .substring("counter=".length());
                        byte[] next = bytes(String.valueOf(Integer.parseInt(read) + 1));
                        AtomicCall add = new AtomicCall(
                                List.of(Condition.equals(key("counter"), bytes(read))),
                                List.of(new Put(key("counter"), next)),
                                List.of());
                        Boolean added = start(add)
                                .handle((result, failure) -> failure == null && result.succeeded())
                                .join();
                        done += added ? 1 : 0;
                    }
                }))
                .toArray(CompletableFuture<?>[]::new);
        CompletableFuture.allOf(writers).join();

        assertThat(cluster.newest().get(key("counter"))).isEqualTo(bytes("200"));
    }

    @Test
    void whatItReadsIsBounded() { // R10
        byte[] big = new byte[1 << 20];
        List<Operation> gets = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            cluster.write(key("k" + i), big);
            gets.add(new Get(key("k" + i)));
        }

        assertTooLarge(new AtomicCall(List.of(), gets, List.of()));
        assertTooLarge(new AtomicCall(List.of(), List.of(all(100)), List.of()));
        assertTooLarge(new AtomicCall(
                List.of(),
                IntStream.range(0, 20)
                        .<Operation>mapToObj(i -> new Get(key("k0")))
                        .toList(),
                List.of()));
        assertTooLarge(new AtomicCall(
                IntStream.range(0, 20)
                        .mapToObj(i -> Condition.exists(key("k" + i), true))
                        .toList(),
                List.of(new Put(key("a"), big)),
                List.of()));
        assertThat(cluster.newest()).hasSize(20);
    }

    @Test
    void readingEndsAtTheDeadlineAndNothingIsCommitted() {
        AtomicCall call = new AtomicCall(
                List.of(Condition.exists(key("a"), false)), List.of(new Put(key("a"), bytes("1"))), List.of());
        CompletableFuture<OpenTransaction> begun = new CompletableFuture<>();
        AtomicCalls slow = new AtomicCalls(
                new TxnOperations() {
                    @Override
                    public CompletableFuture<OpenTransaction> begin(io.rutile.client.txn.TxnOptions options) {
                        return cluster.begin(options).whenComplete((transaction, failure) -> {
                            cluster.close();
                            begun.complete(transaction);
                        });
                    }

                    @Override
                    public CompletableFuture<ReadView> snapshot(
                            io.rutile.protocol.TimeStamp version, Deadline deadline) {
                        throw new AssertionError();
                    }

                    @Override
                    public CompletableFuture<ReadView> newest(Deadline deadline) {
                        throw new AssertionError();
                    }

                    @Override
                    public CompletableFuture<Optional<TxnSnapshot.Versioned>> latest(ByteKey key, Deadline deadline) {
                        throw new AssertionError();
                    }
                },
                records);

        Throwable failure = slow.run(call, Duration.ofMillis(50), BatchRead.ANSWER_BYTES_MAX, limits.admit())
                .handle((done, failed) -> Futures.causeOf(failed))
                .join();
        cluster.open();

        assertThat(((KvClientException) failure).kind()).isEqualTo(Kind.TIMEOUT);
        assertThat(cluster.commits()).isZero();
        assertThat(begun).isCompleted();
    }

    @Test
    void nothingIsCommittedForACallerWhoIsGone() {
        AtomicCall call = new AtomicCall(
                List.of(Condition.exists(key("a"), false)), List.of(new Put(key("a"), bytes("1"))), List.of());
        GatewayLimits.Permit permit = limits.admit();
        permit.abandon();

        Throwable failure = calls.run(call, TIMEOUT, BatchRead.ANSWER_BYTES_MAX, permit)
                .handle((done, failed) -> Futures.causeOf(failed))
                .join();
        permit.close();

        assertThat(failure).isInstanceOf(CallerGoneException.class);
        assertThat(cluster.commits()).isZero();
        assertThat(cluster.openCount()).isZero();
    }

    private AtomicCall.Result then(Operation... operations) {
        return run(new AtomicCall(List.of(), List.of(operations), List.of()));
    }

    private AtomicCall.Result run(AtomicCall call) {
        return start(call).join();
    }

    private CompletableFuture<AtomicCall.Result> start(AtomicCall call) {
        GatewayLimits.Permit permit = limits.admit();
        return calls.run(call, TIMEOUT, BatchRead.ANSWER_BYTES_MAX, permit)
                .whenComplete((done, failure) -> permit.close());
    }

    private Throwable failure(AtomicCall call) {
        return start(call).handle((done, failure) -> Futures.causeOf(failure)).join();
    }

    private void assertTooLarge(AtomicCall call) {
        assertThat(((KvClientException) failure(call)).kind()).isEqualTo(Kind.TOO_LARGE);
    }

    private static Scan all(int limit) {
        return new Scan(new ScanRequest(new KeyRange(ByteKey.EMPTY, ByteKey.EMPTY), limit, false, false));
    }

    private static String words(List<Pair> pairs) {
        return String.join(
                " ",
                pairs.stream()
                        .map(pair -> text(pair.key().bytes()) + "=" + text(pair.value()))
                        .toList());
    }

    private static String text(byte[] bytes) {
        return new String(bytes, java.nio.charset.StandardCharsets.UTF_8);
    }
}
