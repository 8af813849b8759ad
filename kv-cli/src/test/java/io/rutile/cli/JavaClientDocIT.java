package io.rutile.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.client.KvClientException;
import io.rutile.client.RutileClient;
import io.rutile.client.RutileClientOptions;
import io.rutile.client.feed.Change;
import io.rutile.client.feed.ChangeBatch;
import io.rutile.client.feed.ChangeFeed;
import io.rutile.client.feed.ChangeFeedOptions;
import io.rutile.client.feed.FeedPosition;
import io.rutile.client.raw.RawKv;
import io.rutile.client.raw.RawKv.Pair;
import io.rutile.client.raw.RawKv.ScanRequest;
import io.rutile.client.raw.RawKv.SwapResult;
import io.rutile.client.txn.Transaction;
import io.rutile.client.txn.TxnOptions;
import io.rutile.client.txn.TxnSnapshot;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.TimeStamp;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The examples of docs/java-client.md: they are here, and they work. */
@Tag("cluster")
@ExtendWith(SharedHouse.class)
class JavaClientDocIT {

    private static final Path PAGE = Path.of("..", "docs", "java-client.md");
    private static final Path SOURCE = Path.of("src", "test", "java", "io", "rutile", "cli", "JavaClientDocIT.java");
    private static final Pattern BLOCK = Pattern.compile("(?s)```java\n(.*?)```");

    private static RutileClient client;
    private static List<String> endpoints;

    @BeforeAll
    static void up(TestHouse house) {
        client = house.client();
        endpoints = house.cluster().layout().pdEndpoints();
    }

    @AfterAll
    static void down() {
        client.raw().deleteRange(new KeyRange(key("doc/"), key("doc0"))).join();
        client.close();
    }

    /** However it is formatted. */
    @Test
    void everyBlockOfThePageIsHere() throws IOException {
        String source = words(Files.readString(SOURCE).replace("of(endpoints)", "of(List.of(\"127.0.0.1:2379\"))"));

        assertThat(BLOCK.matcher(Files.readString(PAGE)).results().map(block -> words(block.group(1))))
                .hasSize(6)
                .allSatisfy(block -> assertThat(source).contains(block));
    }

    private static String words(String code) {
        return code.replaceAll("\\s+", "");
    }

    @Test
    void opensOne() {
        RutileClientOptions options = RutileClientOptions.of(endpoints);
        RutileClient client = RutileClient.connect(options);

        assertThat(client.raw().get(key("doc/nothing")).join()).isEmpty();
        client.close();
    }

    @Test
    void rawKeys() {
        RawKv raw = client.raw();
        raw.put(key("doc/fruit/1"), bytes("apple"), Duration.ZERO).join();
        Optional<byte[]> apple = raw.get(key("doc/fruit/1")).join();
        raw.batchPut(Map.of(key("doc/fruit/2"), bytes("pear"), key("doc/fruit/3"), bytes("plum")), Duration.ZERO)
                .join();
        List<Pair> fruit = raw.scan(
                        new ScanRequest(new KeyRange(key("doc/fruit/"), key("doc/fruit0")), 100, false, false))
                .join();
        SwapResult swap = raw.compareAndSwap(key("doc/fruit/1"), bytes("apple"), bytes("quince"), Duration.ZERO)
                .join();
        raw.deleteRange(new KeyRange(key("doc/fruit/"), key("doc/fruit0"))).join();

        assertThat(apple).hasValue(bytes("apple"));
        assertThat(fruit).hasSize(3);
        assertThat(swap.succeeded()).isTrue();
        assertThat(raw.get(key("doc/fruit/1")).join()).isEmpty();
    }

    @Test
    void aScanIsTakenAsItComes() {
        RawKv raw = client.raw();
        raw.put(key("doc/scan"), bytes("v"), Duration.ZERO).join();
        AtomicInteger seen = new AtomicInteger();
        raw.scan(new ScanRequest(KeyRange.ALL, Integer.MAX_VALUE, false, true), pairs -> {
                    seen.addAndGet(pairs.size());
                    return CompletableFuture.completedFuture(null);
                })
                .join();

        assertThat(seen).hasPositiveValue();
    }

    @Test
    void transactionsSnapshotsAndChanges() {
        ByteKey a = key("doc/account/a");
        ByteKey b = key("doc/account/b");
        TimeStamp before = client.txn().currentTimestamp().join();
        transfer(client, a, b, 5);

        TimeStamp now = client.txn().currentTimestamp().join();
        TxnSnapshot snapshot = client.txn().snapshot(now);
        Optional<byte[]> then = snapshot.get(key("doc/account/a")).join();

        assertThat(number(snapshot.get(b).join()) + number(then)).isZero();

        List<String> told = new ArrayList<>();
        String token = "";
        while (told.isEmpty()) {
            KeyRange range = new KeyRange(key("doc/account/"), key("doc/account0"));
            try (ChangeFeed feed = client.txn().changes(range, FeedPosition.after(before), ChangeFeedOptions.DEFAULT)) {
                ChangeBatch batch = feed.next().join();
                for (Change change : batch.changes()) {
                    told.add(new String(change.key().bytes(), UTF_8));
                }
                token = batch.position().token(range);
            }
            FeedPosition later = FeedPosition.parse(token, range);
            assertThat(later).isGreaterThanOrEqualTo(FeedPosition.after(before));
        }
        assertThat(told).startsWith("doc/account/a");
    }

    static void transfer(RutileClient client, ByteKey from, ByteKey to, long amount) {
        while (true) {
            try (Transaction txn = client.txn().begin(TxnOptions.optimistic()).join()) {
                long left = number(txn.get(from).join()) - amount;
                long there = number(txn.get(to).join()) + amount;
                txn.put(from, bytes(String.valueOf(left)));
                txn.put(to, bytes(String.valueOf(there)));
                txn.commit().join();
                return;
            } catch (CompletionException e) {
                if (!(e.getCause() instanceof KvClientException failure)
                        || failure.kind() != KvClientException.Kind.CONFLICT) {
                    throw e;
                }
            }
        }
    }

    private static long number(Optional<byte[]> value) {
        return value.map(bytes -> Long.parseLong(new String(bytes, UTF_8))).orElse(0L);
    }

    private static ByteKey key(String text) {
        return ByteKey.wrap(bytes(text));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(UTF_8);
    }
}
