package io.rutile.gateway.kv;

import static io.rutile.gateway.RunningGateway.bytes;
import static io.rutile.gateway.RunningGateway.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.client.KvClientException;
import io.rutile.client.KvClientException.Kind;
import io.rutile.client.raw.RawKv.Pair;
import io.rutile.client.raw.RawKv.ScanRequest;
import io.rutile.client.rpc.Futures;
import io.rutile.client.txn.TxnOptions;
import io.rutile.gateway.kv.AtomicCall.Condition;
import io.rutile.gateway.kv.AtomicCall.Get;
import io.rutile.gateway.kv.AtomicCall.Put;
import io.rutile.gateway.kv.AtomicCall.Scan;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.TimeStamp;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Writes that have a name: one effect and one answer, whatever is lost, and whoever is asked. */
class IdempotentWritesTest {

    private static final Duration TIMEOUT = Duration.ofSeconds(20);
    private static final Duration LIFE = Duration.ofHours(1);
    private static final KvClientException UNKNOWN =
            new KvClientException(Kind.UNDETERMINED, "the answer was lost", null, null);

    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final InMemoryTransactions cluster = new InMemoryTransactions();
    private final GatewayLimits limits = new GatewayLimits(1_000, 128 << 20, metrics);
    private final IdempotencyRecords records = new IdempotencyRecords(cluster, LIFE, metrics);
    private final AtomicCalls calls = new AtomicCalls(cluster, records);
    private final AtomicCalls anotherGateway =
            new AtomicCalls(cluster, new IdempotencyRecords(cluster, LIFE, new SimpleMeterRegistry()));
    private final TxnSessions sessions = sessions();
    private final TxnSessions sessionsElsewhere = sessions();

    private TxnSessions sessions() {
        return new TxnSessions(
                cluster, records, new TxnSessions.Limits(10, LIFE, LIFE, 1 << 20), new SimpleMeterRegistry());
    }

    @AfterEach
    void nothingStaysOpen() {
        sessions.close();
        sessionsElsewhere.close();
        assertThat(cluster.openCount()).isZero();
    }

    private static IdempotencyKey named(String name, String request) {
        return Objects.requireNonNull(IdempotencyKey.of("token:shop", name, bytes(request)));
    }

    /** Takes one of what is there: each time it is carried out there is one less. */
    private static AtomicCall sale(int before) {
        return new AtomicCall(
                List.of(Condition.equals(key("stock"), bytes("" + before))),
                List.of(new Get(key("stock")), new Put(key("stock"), bytes("" + (before - 1)))),
                List.of(new Get(key("stock"))));
    }

    private AtomicCall.Result once(AtomicCalls gateway, String name, AtomicCall call) {
        return gateway.runOnce(named(name, "sale"), call, TIMEOUT, BatchRead.ANSWER_BYTES_MAX, limits.admit())
                .join();
    }

    private Throwable failureOf(CompletableFuture<?> outcome) {
        return outcome.handle((done, failure) -> Futures.causeOf(Objects.requireNonNull(failure)))
                .join();
    }

    /** The cluster, where somebody else does something just before a commit. */
    private TxnOperations overtaken(Runnable other) {
        return intercepting(
                TxnOperations.class,
                (TxnOperations) cluster,
                "begin",
                begun -> ((CompletableFuture<?>) begun)
                        .thenApply(transaction -> intercepting(
                                OpenTransaction.class, (OpenTransaction) transaction, "commit", null, other)),
                null);
    }

    /** @param before runs on a thread of its own, before the call goes on */
    private static <T> T intercepting(
            Class<T> type, T real, String name, @Nullable UnaryOperator<Object> after, @Nullable Runnable before) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (proxy, method, args) -> {
            if (!method.getName().equals(name)) {
                return method.invoke(real, args);
            }
            if (before != null) {
                return CompletableFuture.runAsync(before, task -> new Thread(task, "other").start())
                        .thenCompose(done -> {
                            try {
                                return (CompletableFuture<?>) method.invoke(real, args);
                            } catch (ReflectiveOperationException e) {
                                throw new AssertionError(e);
                            }
                        });
            }
            Object result = method.invoke(real, args);
            return after == null ? result : after.apply(result);
        }));
    }

    private double counted(String outcome) {
        return metrics.get("kv.gateway.idempotency.calls")
                .tag("outcome", outcome)
                .counter()
                .count();
    }

    private List<ByteKey> ofCallers() {
        return cluster.newest().keySet().stream()
                .filter(key -> !ReservedKeys.contains(key))
                .toList();
    }

    @Test
    void aCallWhoseAnswerWasLostTakesEffectOnceAndIsAnsweredAtLast() {
        cluster.write(key("stock"), bytes("3"));
        cluster.loseNextCommit(UNKNOWN);
        // The gateway finds out by what was written down.
        AtomicCall.Result told = once(calls, "order-7", sale(3));

        AtomicCall.Result again = once(anotherGateway, "order-7", sale(3));

        assertThat(cluster.newest().get(key("stock"))).isEqualTo(bytes("2"));
        assertThat(cluster.commits()).isEqualTo(1);
        assertThat(again.succeeded()).isTrue();
        assertThat(again.startTs()).isEqualTo(told.startTs());
        assertThat(again.commitTs()).isEqualTo(told.commitTs()).isGreaterThan(again.startTs());
        assertThat(again.results()).hasSize(2);
        assertThat(again.results().get(0)).extracting(Pair::key).containsExactly(key("stock"));
        assertThat(again.results().get(0).get(0).value()).isEqualTo(bytes("3"));
        assertThat(again.results().get(1)).isEmpty();
    }

    @Test
    void aCallThatItsClientSendsAgainToAnotherGatewayTakesEffectOnce() {
        cluster.write(key("stock"), bytes("3"));
        cluster.loseNextCommit(new KvClientException(Kind.TIMEOUT, "no answer in time", null, null));
        Throwable failure = failureOf(
                calls.runOnce(named("order-6", "sale"), sale(3), TIMEOUT, BatchRead.ANSWER_BYTES_MAX, limits.admit()));
        assertThat(Failures.ofIdempotent(failure).retryable()).isTrue();

        AtomicCall.Result again = once(anotherGateway, "order-6", sale(3));

        assertThat(again.succeeded()).isTrue();
        assertThat(again.results().get(0).get(0).value()).isEqualTo(bytes("3"));
        assertThat(cluster.newest().get(key("stock"))).isEqualTo(bytes("2"));
        assertThat(cluster.commits()).isEqualTo(1);
    }

    /** What the key is for: the same without one sells two. */
    @Test
    void withoutAKeyASecondAttemptIsASecondCall() {
        AtomicCall append = new AtomicCall(List.of(), List.of(new Put(key("a"), bytes("1"))), List.of());
        for (int i = 0; i < 2; i++) {
            calls.run(append, TIMEOUT, BatchRead.ANSWER_BYTES_MAX, limits.admit())
                    .join();
        }
        assertThat(cluster.commits()).isEqualTo(2);
    }

    @Test
    void whatDidNotHoldIsAnsweredSoThoughItWouldHoldNow() {
        cluster.write(key("stock"), bytes("9"));
        AtomicCall.Result first = once(calls, "order-8", sale(3));
        cluster.write(key("stock"), bytes("3"));

        AtomicCall.Result again = once(anotherGateway, "order-8", sale(3));

        assertThat(first.succeeded()).isFalse();
        assertThat(again.succeeded()).isFalse();
        assertThat(again.results().get(0).get(0).value()).isEqualTo(bytes("9"));
        assertThat(cluster.newest().get(key("stock"))).isEqualTo(bytes("3"));
    }

    @Test
    void twoOfTheSameAtOnceAreOne() {
        cluster.write(key("stock"), bytes("3"));
        AtomicCalls overtaken = new AtomicCalls(overtaken(() -> once(anotherGateway, "order-9", sale(3))), records);

        AtomicCall.Result late = once(overtaken, "order-9", sale(3));

        assertThat(late.succeeded()).isTrue();
        assertThat(cluster.newest().get(key("stock"))).isEqualTo(bytes("2"));
        assertThat(counted("first")).isZero();
        assertThat(counted("repeated")).isEqualTo(1);
    }

    @Test
    void aConflictWithAnotherWriterIsStillAConflict() {
        cluster.write(key("stock"), bytes("3"));
        cluster.beforeNextCommit(() -> cluster.write(key("stock"), bytes("8")));

        Throwable failure = failureOf(
                calls.runOnce(named("order-10", "sale"), sale(3), TIMEOUT, BatchRead.ANSWER_BYTES_MAX, limits.admit()));

        assertThat(((KvClientException) failure).kind()).isEqualTo(Kind.CONFLICT);
        assertThat(Failures.ofIdempotent(failure).retryable()).isTrue();
        assertThat(ofCallers()).containsExactly(key("stock"));
    }

    @Test
    void anotherRequestUnderTheSameNameIsRefused() {
        once(calls, "order-11", sale(3));

        Throwable failure = failureOf(anotherGateway.runOnce(
                named("order-11", "another"), sale(2), TIMEOUT, BatchRead.ANSWER_BYTES_MAX, limits.admit()));

        assertThat(((FailureException) failure).failure().kind()).isEqualTo(Failure.Kind.IDEMPOTENCY_KEY_REUSED);
        assertThat(Failures.ofIdempotent(failure).retryable()).isFalse();
    }

    @Test
    void namesOfOneCallerAreNothingToAnother() {
        IdempotencyKey shop = named("order-12", "sale");
        IdempotencyKey till = Objects.requireNonNull(IdempotencyKey.of("token:till", "order-12", bytes("sale")));

        assertThat(till.record()).isNotEqualTo(shop.record());
        assertThat(till.fingerprint()).isEqualTo(shop.fingerprint());
        assertThat(IdempotencyKey.of("a", "bc", bytes("d"))).isNotEqualTo(IdempotencyKey.of("ab", "c", bytes("d")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "a b", "tab\tinside", "\u00fcber", "new\nline"})
    void whatIsNoNameIsNone(String name) {
        assertThat(IdempotencyKey.of("a", name)).isNull();
        assertThat(IdempotencyKey.of("a", "x".repeat(IdempotencyKey.LENGTH_MAX + 1)))
                .isNull();
    }

    @Test
    void whatIsReadAndWrittenDownIsBounded() {
        cluster.write(key("big"), new byte[(int) IdempotencyRecords.READ_BYTES_MAX]);
        AtomicCall call =
                new AtomicCall(List.of(), List.of(new Get(key("big")), new Put(key("a"), bytes("1"))), List.of());

        Throwable failure = failureOf(
                calls.runOnce(named("big", "call"), call, TIMEOUT, BatchRead.ANSWER_BYTES_MAX, limits.admit()));

        assertThat(((KvClientException) failure).kind()).isEqualTo(Kind.TOO_LARGE);
        assertThat(ofCallers()).containsExactly(key("big"));
    }

    @Test
    void outcomesAreInNobodysScan() {
        once(calls, "order-13", sale(3));
        AtomicCall all = new AtomicCall(
                List.of(), List.of(new Scan(new ScanRequest(KeyRange.ALL, 100, false, false))), List.of());

        assertThat(calls.run(all, TIMEOUT, BatchRead.ANSWER_BYTES_MAX, limits.admit())
                        .join()
                        .results()
                        .get(0))
                .isEmpty();
        assertThat(cluster.newest()).hasSize(1);
        assertThat(ReservedKeys.outside(new KeyRange(ReservedKeys.FIRST, ByteKey.EMPTY))
                        .isEmpty())
                .isTrue();
        assertThat(ReservedKeys.outside(new KeyRange(key("a"), key("b")))).isEqualTo(new KeyRange(key("a"), key("b")));
    }

    // ---- their life

    @Test
    void anOutcomeThatIsOverIsForgottenByCallsAndTakenAwayByTheSweep() {
        IdempotencySweep sweep = new IdempotencySweep(cluster, LIFE, metrics);
        cluster.write(key("stock"), bytes("3"));
        once(calls, "order-14", sale(3));
        once(calls, "order-15", sale(9));
        assertThat(sweep.page(IdempotencyKey.PREFIX).join()).isEqualTo(IdempotencyKey.PREFIX);
        assertThat(cluster.newest()).hasSize(3);

        cluster.passTime(LIFE);
        once(anotherGateway, "order-14", sale(2));
        sweep.page(IdempotencyKey.PREFIX).join();

        assertThat(cluster.newest().get(key("stock"))).isEqualTo(bytes("1"));
        assertThat(cluster.newest()).as("the new outcome of order-14").hasSize(2);
        assertThat(metrics.get("kv.gateway.idempotency.removed").counter().count())
                .isEqualTo(1);
        sweep.close();
    }

    @Test
    void theSweepGoesThroughAllPagesAndLeavesWhatItDoesNotKnow() {
        IdempotencySweep sweep = new IdempotencySweep(cluster, LIFE, metrics);
        for (int i = 0; i < IdempotencySweep.PAGE_RECORDS + 1; i++) {
            once(calls, "n" + i, new AtomicCall(List.of(), List.of(), List.of()));
        }
        ByteKey foreign = ByteKey.wrap(new byte[] {-1, -1, -1, -1, 'i', 'd', 'e', 'm', -1});
        cluster.write(foreign, new byte[] {2, 1});
        cluster.passTime(LIFE);

        ByteKey next = sweep.page(IdempotencyKey.PREFIX).join();

        assertThat(next).isGreaterThan(IdempotencyKey.PREFIX);
        assertThat(sweep.page(next).join()).isEqualTo(IdempotencyKey.PREFIX);
        assertThat(cluster.newest()).containsOnlyKeys(foreign);
        sweep.close();
    }

    @Test
    void aRecordIsReadAsItWasWrittenAndNothingElseIs() {
        IdempotencyRecord record = new IdempotencyRecord(
                42,
                new byte[32],
                new TimeStamp(7),
                true,
                List.of(List.of(), List.of(new Pair(key("k"), bytes("v")), new Pair(key(""), bytes("")))));
        byte[] bytes = record.encode();

        assertThat(IdempotencyRecord.decode(bytes).encode()).isEqualTo(bytes);
        for (int length = 0; length < bytes.length; length++) {
            byte[] cut = java.util.Arrays.copyOf(bytes, length);
            assertThatThrownBy(() -> IdempotencyRecord.decode(cut)).isInstanceOf(IllegalArgumentException.class);
        }
        byte[] longer = java.util.Arrays.copyOf(bytes, bytes.length + 1);
        assertThatThrownBy(() -> IdempotencyRecord.decode(longer)).isInstanceOf(IllegalArgumentException.class);
        byte[] newer = bytes.clone();
        newer[0] = 2;
        assertThatThrownBy(() -> IdempotencyRecord.decode(newer)).isInstanceOf(IllegalArgumentException.class);
    }

    // ---- commits of sessions

    private String open(String key) {
        String id = sessions.begin("shop", CallerQuota.NONE, TxnOptions.optimistic())
                .join()
                .id();
        sessions.call("shop", id, transaction -> {
                    transaction.put(key(key), bytes("1"));
                    return CompletableFuture.completedFuture(null);
                })
                .join();
        return id;
    }

    @Test
    void aCommitIsKnownToAnotherGateway() {
        String id = open("a");
        TimeStamp commitTs =
                sessions.commitOnce("shop", id, named("commit-1", id), TIMEOUT).join();

        assertThat(sessionsElsewhere
                        .commitOnce("shop", id, named("commit-1", id), TIMEOUT)
                        .join())
                .isEqualTo(commitTs);
        assertThat(failureOf(sessionsElsewhere.commit("shop", id)))
                .as("without the key")
                .isInstanceOf(TxnSessionException.class);
        assertThat(failureOf(sessionsElsewhere.commitOnce("shop", id, named("commit-2", id), TIMEOUT)))
                .isInstanceOf(TxnSessionException.class);
        assertThat(ofCallers()).containsExactly(key("a"));
    }

    @Test
    void aCommitWhoseAnswerWasLostIsFoundOut() {
        String id = open("a");
        cluster.loseNextCommit(UNKNOWN);

        TimeStamp commitTs =
                sessions.commitOnce("shop", id, named("commit-3", id), TIMEOUT).join();

        assertThat(sessions.commitOnce("shop", id, named("commit-3", id), TIMEOUT)
                        .join())
                .isEqualTo(commitTs);
        assertThat(cluster.commits()).isEqualTo(1);
    }

    @Test
    void aNameThatAnotherCommitHasTakenMeanwhileIsRefused() {
        String late = open("a");
        String early = open("b");
        sessions.commitOnce("shop", early, named("commit-4", early), TIMEOUT).join();

        Throwable failure = failureOf(sessions.commitOnce("shop", late, named("commit-4", late), TIMEOUT));

        assertThat(((FailureException) failure).failure().kind()).isEqualTo(Failure.Kind.IDEMPOTENCY_KEY_REUSED);
        assertThat(ofCallers()).containsExactly(key("b"));
    }
}
