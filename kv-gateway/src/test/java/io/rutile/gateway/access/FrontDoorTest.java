package io.rutile.gateway.access;

import static io.rutile.gateway.RunningGateway.bytes;
import static io.rutile.gateway.RunningGateway.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.client.raw.RawKv.ScanRequest;
import io.rutile.client.rpc.Futures;
import io.rutile.client.txn.TxnOptions;
import io.rutile.gateway.kv.AtomicCall;
import io.rutile.gateway.kv.AtomicCalls;
import io.rutile.gateway.kv.BatchRead;
import io.rutile.gateway.kv.CallerQuota;
import io.rutile.gateway.kv.ChangeSource;
import io.rutile.gateway.kv.Deadline;
import io.rutile.gateway.kv.Failure;
import io.rutile.gateway.kv.FailureException;
import io.rutile.gateway.kv.GatewayLimits;
import io.rutile.gateway.kv.IdempotencyRecords;
import io.rutile.gateway.kv.InMemoryChanges;
import io.rutile.gateway.kv.InMemoryKvOperations;
import io.rutile.gateway.kv.InMemoryTransactions;
import io.rutile.gateway.kv.KvOperations;
import io.rutile.gateway.kv.OpenTransaction;
import io.rutile.gateway.kv.PrefixRange;
import io.rutile.gateway.kv.ReadView;
import io.rutile.gateway.kv.TxnOperations;
import io.rutile.gateway.kv.TxnSessionException;
import io.rutile.gateway.kv.TxnSessions;
import io.rutile.gateway.kv.Watch;
import io.rutile.gateway.kv.Watches;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.TimeStamp;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Whatever is asked for through the door: behind it, nothing is touched that was not granted (E2). */
class FrontDoorTest {

    private static final Duration SECONDS = Duration.ofSeconds(30);
    private static final CallOrigin HERE = new CallOrigin("rest", "127.0.0.1", "test");
    private static final String[] STEMS = {"a", "a/", "a/b", "b", "b/", "b/a", "c"};

    /** What was touched behind the door: keys as ranges of one. */
    private record Touch(Permission permission, Api api, KeyRange keys) {}

    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final AuditLog audit = new AuditLog(metrics);
    private final InMemoryKvOperations kv = new InMemoryKvOperations();
    private final InMemoryTransactions cluster = new InMemoryTransactions();
    private final ConcurrentLinkedQueue<Touch> touched = new ConcurrentLinkedQueue<>();
    private final GatewayLimits limits = new GatewayLimits(1_000, 1 << 30, metrics);
    private final TxnOperations transactions = witnessed(TxnOperations.class, cluster, Api.TXN);
    private final IdempotencyRecords records = new IdempotencyRecords(transactions, SECONDS, metrics);
    private final TxnSessions sessions =
            new TxnSessions(transactions, records, new TxnSessions.Limits(1_000, SECONDS, SECONDS, 1 << 30), metrics);
    private final Watches watches = new Watches(
            witnessed(ChangeSource.class, new InMemoryChanges(), Api.TXN),
            new Watches.Limits(1_000, 1_000, 1 << 20, SECONDS),
            metrics);
    private final FrontDoor door = new FrontDoor(
            witnessed(KvOperations.class, kv, Api.RAW),
            transactions,
            sessions,
            new AtomicCalls(transactions, records),
            watches);

    @AfterEach
    void close() {
        sessions.close();
        watches.close();
    }

    @Test
    void nothingIsTouchedThatWasNotGranted() {
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("seed=" + seed);
        Random random = new Random(seed);
        for (String stem : STEMS) {
            kv.pairs.put(key(stem), bytes("1"));
            cluster.write(key(stem), bytes("1"));
        }
        Map<Boolean, Integer> outcomes = new LinkedHashMap<>();
        for (int round = 0; round < 1_500; round++) {
            List<Grant> grants = grants(random);
            CallAccess access = access("somebody", grants);
            List<Touch> wanted = new ArrayList<>();
            touched.clear();

            boolean denied = isDenied(operation(random, access, wanted));

            String told = wanted + " with " + grants;
            assertThat(touched).as(told).allMatch(touch -> isGranted(touch, grants));
            assertThat(denied)
                    .as(told)
                    .isEqualTo(wanted.stream().anyMatch(touch -> !isGranted(touch, grants))
                            || wanted.stream().anyMatch(touch -> touch.api == Api.TXN) && touchesNothing(grants));
            outcomes.merge(denied, 1, Integer::sum);
        }
        assertThat(outcomes.get(true)).isGreaterThan(100);
        assertThat(outcomes.get(false)).isGreaterThan(100);
    }

    /** One call of any kind, with keys of any kind. */
    private CompletableFuture<?> operation(Random random, CallAccess access, List<Touch> wanted) {
        Deadline deadline = Deadline.after(SECONDS);
        KvOperations raw = door.raw(access);
        TxnDoor txn = door.txn(access);
        ByteKey one = randomKey(random);
        List<ByteKey> some = List.of(one, randomKey(random));
        KeyRange range = random.nextInt(4) == 0
                ? new KeyRange(randomKey(random), ByteKey.EMPTY)
                : PrefixRange.of(random.nextInt(4) == 0 ? ByteKey.EMPTY : randomKey(random));
        ScanRequest scan = new ScanRequest(range, 1 + random.nextInt(10), random.nextBoolean(), random.nextBoolean());
        byte[] value = bytes("2");
        switch (random.nextInt(19)) {
            case 0:
                return want(wanted, Api.RAW, raw.get(one, deadline), List.of(one), Permission.READ);
            case 1:
                return want(wanted, Api.RAW, raw.timeToLive(one, deadline), List.of(one), Permission.READ);
            case 2:
                return want(
                        wanted,
                        Api.RAW,
                        raw.put(one, value, Duration.ofSeconds(9), deadline),
                        List.of(one),
                        Permission.WRITE);
            case 3:
                return want(wanted, Api.RAW, raw.delete(one, deadline), List.of(one), Permission.WRITE);
            case 4:
                return want(
                        wanted,
                        Api.RAW,
                        raw.compareAndSwap(one, bytes("1"), value, Duration.ZERO, deadline),
                        List.of(one),
                        Permission.READ,
                        Permission.WRITE);
            case 5:
                return want(wanted, Api.RAW, raw.batchGet(some, deadline), some, Permission.READ);
            case 6:
                return want(
                        wanted,
                        Api.RAW,
                        raw.batchPut(Map.of(some.get(0), value, other(some), value), Duration.ZERO, deadline),
                        List.of(some.get(0), other(some)),
                        Permission.WRITE);
            case 7:
                return want(wanted, Api.RAW, raw.batchDelete(some, deadline), some, Permission.WRITE);
            case 8:
                wanted.add(new Touch(Permission.READ, Api.RAW, range));
                return raw.scan(scan, page -> CompletableFuture.completedFuture(null));
            case 9:
                return want(wanted, Api.TXN, inSession(txn, open -> open.get(one)), List.of(one), Permission.READ);
            case 10:
                return want(wanted, Api.TXN, inSession(txn, open -> open.batchGet(some)), some, Permission.READ);
            case 11:
                return want(
                        wanted,
                        Api.TXN,
                        inSession(txn, open -> open.batchGetForUpdate(some)),
                        some,
                        Permission.READ,
                        Permission.WRITE);
            case 12:
                return want(wanted, Api.TXN, inSession(txn, open -> open.lockKeys(some)), some, Permission.WRITE);
            case 13:
                return want(
                        wanted,
                        Api.TXN,
                        inSession(txn, open -> {
                            open.put(one, value);
                            return CompletableFuture.completedFuture(true);
                        }),
                        List.of(one),
                        Permission.WRITE);
            case 14:
                return want(
                        wanted,
                        Api.TXN,
                        inSession(txn, open -> {
                            open.delete(one);
                            return CompletableFuture.completedFuture(true);
                        }),
                        List.of(one),
                        Permission.WRITE);
            case 15:
                wanted.add(new Touch(Permission.READ, Api.TXN, range));
                return inSession(txn, open -> open.scan(scan, page -> CompletableFuture.completedFuture(null)));
            case 16:
                return want(
                        wanted,
                        Api.TXN,
                        (random.nextBoolean() ? txn.newest(deadline) : txn.snapshot(new TimeStamp(1), deadline))
                                .thenCompose(view -> view.get(one)),
                        List.of(one),
                        Permission.READ);
            case 17:
                wanted.add(new Touch(Permission.READ, Api.TXN, range));
                return door.watches(access).watch(range, null).thenAccept(Watch::close);
            default:
                boolean writes = random.nextBoolean();
                AtomicCall call = new AtomicCall(
                        List.of(AtomicCall.Condition.exists(one, random.nextBoolean())),
                        writes
                                ? List.of(new AtomicCall.Put(some.get(1), value), new AtomicCall.Delete(one))
                                : List.of(new AtomicCall.Get(some.get(1))),
                        List.of(new AtomicCall.Scan(new ScanRequest(range, 10, false, false))));
                wanted.add(new Touch(Permission.READ, Api.TXN, range));
                wanted.add(touch(Permission.READ, Api.TXN, one));
                if (writes) {
                    wanted.add(touch(Permission.WRITE, Api.TXN, one));
                }
                wanted.add(touch(writes ? Permission.WRITE : Permission.READ, Api.TXN, some.get(1)));
                return txn.execute(call, SECONDS, BatchRead.ANSWER_BYTES_MAX, limits.admit());
        }
    }

    private static ByteKey other(List<ByteKey> two) {
        return two.get(0).equals(two.get(1)) ? two.get(0).next() : two.get(1);
    }

    private static <T> CompletableFuture<T> want(
            List<Touch> wanted, Api api, CompletableFuture<T> outcome, List<ByteKey> keys, Permission... permissions) {
        for (Permission permission : permissions) {
            keys.forEach(key -> wanted.add(touch(permission, api, key)));
        }
        return outcome;
    }

    private <T> CompletableFuture<?> inSession(TxnDoor txn, Function<OpenTransaction, CompletableFuture<T>> call) {
        return txn.begin(TxnOptions.optimistic())
                .thenCompose(opened -> txn.call(opened.id(), call)
                        .whenComplete(
                                (done, failure) -> txn.rollback(opened.id()).join()));
    }

    // ---- sessions

    @Test
    void aSessionIsItsOwnersUnderTheSamePermissions() {
        List<Grant> all = List.of(Grant.everywhere(Permission.WRITE));
        TxnDoor owner = door.txn(access("token:a", all));
        String id = owner.begin(TxnOptions.optimistic()).join().id();
        put(owner, id).join();

        assertThat(failure(put(door.txn(access("token:b", all)), id))).isInstanceOf(TxnSessionException.class);
        assertThat(failure(door.txn(access("token:b", all)).commit(id))).isInstanceOf(TxnSessionException.class);
        // What was written may be something that the owner may no longer write.
        assertThat(failure(door.txn(access("token:a", List.of(Grant.everywhere(Permission.READ))))
                        .commit(id)))
                .isInstanceOf(TxnSessionException.class);
        assertThat(cluster.newest()).isEmpty();

        door.txn(access("token:a", all)).commit(id).join();
        assertThat(cluster.newest()).containsOnlyKeys(key("k"));
    }

    private static CompletableFuture<Void> put(TxnDoor txn, String id) {
        return txn.call(id, open -> {
            open.put(key("k"), bytes("1"));
            return CompletableFuture.completedFuture(null);
        });
    }

    @Test
    void nobodyBeginsATransactionWhoMayTouchNoKeyOfIt() {
        Grant raw = new Grant(Permission.WRITE, Set.of(Api.RAW), ByteKey.EMPTY, null);

        assertThat(isDenied(door.txn(access("token:a", List.of(raw))).begin(TxnOptions.optimistic())))
                .isTrue();
        assertThat(cluster.begun()).isEmpty();
    }

    // ---- what lasts

    @Test
    void aScanEndsWithTheRightToIt() {
        for (int i = 0; i < 3 * InMemoryKvOperations.PAGE_PAIRS; i++) {
            kv.pairs.put(key("k" + i), bytes("v"));
        }
        AtomicBoolean valid = new AtomicBoolean(true);
        CallAccess access = new CallAccess(
                new Caller("token:a", Permissions.EVERYTHING, CallerQuota.NONE), HERE, valid::get, audit);

        CompletableFuture<Void> scan = door.raw(access)
                .scan(new ScanRequest(KeyRange.ALL, Integer.MAX_VALUE, false, false), page -> {
                    valid.set(false);
                    return CompletableFuture.completedFuture(null);
                });

        assertThat(failure(scan))
                .isInstanceOfSatisfying(
                        FailureException.class,
                        refused -> assertThat(refused.failure().kind()).isEqualTo(Failure.Kind.UNAUTHENTICATED));
        assertThat(kv.pagesScanned).hasValue(2);
    }

    @Test
    void theCallerIsToldWhatIsAllowed() {
        CallAccess access = access(
                "token:a",
                List.of(
                        new Grant(Permission.READ, Set.of(Api.RAW), key("fruit/"), null),
                        new Grant(Permission.READ, Set.of(Api.RAW), ByteKey.wrap(new byte[] {0, (byte) 0xff}), null)));

        Throwable refused = failure(door.raw(access).get(key("secret"), Deadline.after(SECONDS)));

        assertThat(refused)
                .hasMessageContaining("keys that begin with 'fruit/'")
                .hasMessageContaining("00ff (hex)")
                .hasMessageNotContaining("secret");
        assertThat(failure(door.raw(access).delete(key("fruit/1"), Deadline.after(SECONDS))))
                .hasMessage("the caller may write, of the raw API, no key");
        assertThat(metrics.get("kv.gateway.auth.refused")
                        .tag("reason", "not-allowed")
                        .counter()
                        .count())
                .isEqualTo(2);
    }

    // ---- what tests of this class share

    private CallAccess access(String name, List<Grant> grants) {
        return new CallAccess(
                new Caller(name, Permissions.of(grants, null), CallerQuota.NONE), HERE, () -> true, audit);
    }

    private static List<Grant> grants(Random random) {
        List<Grant> grants = new ArrayList<>();
        for (int i = random.nextInt(6); i > 0; i--) {
            Set<Api> apis = random.nextInt(3) == 0
                    ? Set.of(Api.RAW, Api.TXN)
                    : Set.of(random.nextBoolean() ? Api.RAW : Api.TXN);
            Permission permission = random.nextBoolean() ? Permission.READ : Permission.WRITE;
            grants.add(new Grant(
                    permission,
                    apis,
                    random.nextInt(4) == 0 ? ByteKey.EMPTY : key(STEMS[random.nextInt(STEMS.length)]),
                    null));
        }
        return grants;
    }

    private static ByteKey randomKey(Random random) {
        ByteKey stem = key(STEMS[random.nextInt(STEMS.length)]);
        return random.nextBoolean() ? stem : stem.next();
    }

    private static Touch touch(Permission permission, Api api, ByteKey key) {
        return new Touch(permission, api, new KeyRange(key, key.next()));
    }

    /** By the text of prefixes, not by the code under test: a range is inside of what some prefixes cover together. */
    private static boolean isGranted(Touch touch, List<Grant> grants) {
        List<KeyRange> rest = new ArrayList<>(List.of(touch.keys));
        for (Grant grant : grants) {
            if (grant.permission() == touch.permission && grant.apis().contains(touch.api)) {
                rest = rest.stream()
                        .flatMap(range -> range.minus(PrefixRange.of(grant.prefix())).stream())
                        .toList();
            }
        }
        return rest.isEmpty();
    }

    private static boolean touchesNothing(List<Grant> grants) {
        return grants.stream().noneMatch(grant -> grant.apis().contains(Api.TXN));
    }

    private static boolean isDenied(CompletableFuture<?> outcome) {
        return failure(outcome) instanceof FailureException refused
                && refused.failure().kind() == Failure.Kind.PERMISSION_DENIED;
    }

    private static @Nullable Throwable failure(CompletableFuture<?> outcome) {
        Throwable failure = catchThrowable(outcome::join);
        return failure == null ? null : Futures.causeOf(failure);
    }

    /** The same, and whatever keys its methods are given are noted: those of transactions and views that it gives out, too. */
    private <T> T witnessed(Class<T> type, T operations, Api api) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(), new Class<?>[] {type}, (proxy, method, arguments) -> {
                    Object[] given = arguments == null ? new Object[0] : arguments;
                    note(method, given, api);
                    try {
                        Object answer = method.invoke(operations, given);
                        return answer instanceof CompletableFuture<?> future
                                ? future.thenApply(value -> witness(value))
                                : answer;
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                }));
    }

    private @Nullable Object witness(@Nullable Object answer) {
        if (answer instanceof OpenTransaction transaction) {
            return witnessed(OpenTransaction.class, transaction, Api.TXN);
        }
        return answer instanceof ReadView view ? witnessed(ReadView.class, view, Api.TXN) : answer;
    }

    private void note(Method method, Object[] arguments, Api api) {
        List<KeyRange> ranges = Arrays.stream(arguments)
                .flatMap(argument -> argument instanceof ScanRequest scan
                        ? List.of(scan.range()).stream()
                        : keys(argument).stream().map(key -> new KeyRange(key, key.next())))
                .toList();
        List<Permission> permissions = switch (method.getName()) {
            case "get", "timeToLive", "batchGet", "scan" -> List.of(Permission.READ);
            case "put", "delete", "batchPut", "batchDelete", "lockKeys" -> List.of(Permission.WRITE);
            case "compareAndSwap", "batchGetForUpdate" -> List.of(Permission.READ, Permission.WRITE);
            default -> {
                assertThat(ranges).as(method.getName()).isEmpty();
                yield List.of();
            }
        };
        permissions.forEach(permission -> ranges.forEach(range -> touched.add(new Touch(permission, api, range))));
    }

    private static List<ByteKey> keys(@Nullable Object argument) {
        Collection<?> all = argument instanceof Map<?, ?> pairs
                ? pairs.keySet()
                : argument instanceof Collection<?> several
                        ? several
                        : argument == null ? List.of() : List.of(argument);
        return all.stream()
                .filter(ByteKey.class::isInstance)
                .map(ByteKey.class::cast)
                .toList();
    }
}
