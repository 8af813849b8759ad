package io.rutile.client.txn;

import static io.rutile.client.txn.TxnTesting.key;
import static io.rutile.client.txn.TxnTesting.text;
import static io.rutile.client.txn.TxnTesting.texts;
import static io.rutile.client.txn.TxnTesting.value;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.client.KvClientException;
import io.rutile.client.KvClientException.Kind;
import io.rutile.client.txn.TxnReader.Pair;
import io.rutile.client.txn.TxnReader.ScanRequest;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.kvrpcpb.CommitRequest;
import io.rutile.protocol.kvrpcpb.PrewriteRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a transaction shows and writes while nothing fails. */
class TransactionTest {

    private final TxnTesting t = new TxnTesting("", "h", "p");

    @AfterEach
    void close() {
        t.close();
    }

    @Test
    void writesAreSeenByLaterSnapshotsOnly() {
        TimeStamp before = t.now();
        Transaction transaction = t.begin();
        transaction.put(key("a"), value("1"));
        transaction.put(key("k"), value("2"));
        TimeStamp at = transaction.commit().join();

        assertThat(transaction.commitTs()).isEqualTo(at);
        assertThat(at).isGreaterThan(transaction.startTs());
        assertThat(t.read("a")).contains("1");
        assertThat(t.read("k")).contains("2");
        assertThat(t.txn.snapshot(before).get(key("a")).join()).isEmpty();
        assertThat(t.txn.snapshot(at).get(key("k")).join()).isPresent();
    }

    @Test
    void aTransactionReadsItsOwnWrites() {
        t.put("a", "stored");
        t.put("b", "stored");
        Transaction transaction = t.begin();
        transaction.put(key("a"), value("own"));
        transaction.delete(key("b"));
        transaction.put(key("c"), value("own"));

        assertThat(text(transaction.get(key("a")).join())).contains("own");
        assertThat(transaction.get(key("b")).join()).isEmpty();
        Map<ByteKey, byte[]> found = transaction
                .batchGet(List.of(key("a"), key("b"), key("c"), key("z")))
                .join();
        assertThat(found).containsOnlyKeys(key("a"), key("c"));
        assertThat(t.read("a")).contains("stored");
    }

    @Test
    void aReadIsRepeatable() {
        t.put("a", "old");
        Transaction reader = t.begin();
        assertThat(text(reader.get(key("a")).join())).contains("old");
        t.put("a", "new");
        assertThat(text(reader.get(key("a")).join())).contains("old");
        assertThat(reader.commit().join()).isEqualTo(reader.startTs());
    }

    @Test
    void anEmptyValueIsAValue() {
        t.put("a", "");
        assertThat(t.read("a")).contains("");
    }

    @Test
    void twoPhaseCommitsThePrimaryFirst_P3() {
        Transaction transaction = t.begin(TxnOptions.optimistic().withTwoPhaseCommitOnly());
        for (String k : List.of("z", "k", "a")) {
            transaction.put(key(k), value("v"));
        }
        t.forgetRequests();
        transaction.commit().join();
        t.awaitNoLocks();

        List<PrewriteRequest> prewrites = t.requests(PrewriteRequest.class);
        assertThat(prewrites).hasSize(3).allSatisfy(p -> {
            assertThat(p.getPrimaryLock()).isEqualTo(TxnTesting.bytes("a"));
            assertThat(p.getTxnSize()).isEqualTo(3);
            assertThat(p.getUseAsyncCommit() || p.getTryOnePc()).isFalse();
            assertThat(p.getPessimisticActionsList()).isEmpty();
        });
        List<CommitRequest> commits = t.requests(CommitRequest.class);
        assertThat(commits).hasSize(3);
        assertThat(commits.stream().map(CommitRequest::getCommitVersion).distinct())
                .containsExactly(transaction.commitTs().value());
        assertThat(t.commitTsOf("z")).isEqualTo(transaction.commitTs().value());
    }

    @Test
    void nothingWrittenNothingSent() {
        Transaction transaction = t.begin();
        transaction.get(key("a")).join();
        t.forgetRequests();
        assertThat(transaction.commit().join()).isEqualTo(transaction.startTs());
        assertThat(t.asked("KvPrewrite")).isZero();
    }

    @Test
    void aConflictIsToldAndNothingIsWritten_P5() {
        Transaction loser = t.begin();
        loser.put(key("a"), value("loser"));
        loser.put(key("z"), value("loser"));
        TimeStamp winner = t.put("a", "winner");

        assertThatThrownBy(() -> loser.commit().join())
                .cause()
                .isInstanceOfSatisfying(WriteConflictException.class, e -> {
                    assertThat(e.kind()).isEqualTo(Kind.CONFLICT);
                    assertThat(e.key()).isEqualTo(key("a"));
                    assertThat(e.startTs()).isEqualTo(loser.startTs());
                    assertThat(e.conflictCommitTs()).isEqualTo(winner);
                    assertThat(e.getMessage()).doesNotContain("loser");
                });
        t.awaitNoLocks();
        assertThat(t.read("a")).contains("winner");
        assertThat(t.read("z")).isEmpty();
        assertThat(t.counter("kv.client.txn.conflicts")).isEqualTo(1);
        assertThatThrownBy(loser::commitTs).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aLockOfAnOptimisticTransactionGuardsWhatItRead() {
        t.put("a", "1");
        Transaction reader = t.begin();
        reader.getForUpdate(key("a")).join();
        reader.put(key("b"), value("because a was 1"));
        t.put("a", "2");
        assertThatThrownBy(() -> reader.commit().join()).cause().isInstanceOf(WriteConflictException.class);
        assertThat(t.read("b")).isEmpty();
    }

    @Test
    void insertsWantNothingThere() {
        t.put("a", "1");
        Transaction late = t.begin();
        late.insert(key("a"), value("2"));
        assertThatThrownBy(() -> late.commit().join())
                .cause()
                .isInstanceOfSatisfying(
                        KeyExistsException.class, e -> assertThat(e.key()).isEqualTo(key("a")));

        Transaction twice = t.begin();
        twice.insert(key("b"), value("1"));
        assertThatThrownBy(() -> twice.insert(key("b"), value("2"))).isInstanceOf(KeyExistsException.class);
        twice.commit().join();
        assertThat(t.read("b")).contains("1");
    }

    @Test
    void anInsertThatWasTakenBackStillWantsNothingThere() {
        t.put("a", "1");
        Transaction transaction = t.begin();
        transaction.insert(key("a"), value("2"));
        transaction.delete(key("a"));
        assertThatThrownBy(() -> transaction.commit().join()).cause().isInstanceOf(KeyExistsException.class);

        Transaction fine = t.begin();
        fine.insert(key("new"), value("2"));
        fine.delete(key("new"));
        fine.commit().join();
        assertThat(t.cluster.mvcc.locks()).isEmpty();
        assertThat(t.read("new")).isEmpty();
    }

    @Test
    void theEndIsTheEnd() {
        Transaction transaction = t.begin();
        transaction.put(key("a"), value("1"));
        transaction.rollback().join();
        assertThatThrownBy(() -> transaction.put(key("a"), value("1")))
                .isInstanceOfSatisfying(
                        KvClientException.class, e -> assertThat(e.kind()).isEqualTo(Kind.INVALID));
        assertThatThrownBy(() -> transaction.get(key("a")).join()).hasMessageContaining("has ended");
        assertThatThrownBy(() -> transaction.commit().join()).hasMessageContaining("has ended");
        transaction.close();
        assertThat(t.read("a")).isEmpty();
    }

    @Test
    void badKeysAreRefusedAtOnce() {
        Transaction transaction = t.begin();
        assertThatThrownBy(() -> transaction.put(ByteKey.EMPTY, value("v")))
                .isInstanceOfSatisfying(
                        KvClientException.class, e -> assertThat(e.kind()).isEqualTo(Kind.INVALID));
        transaction.put(ByteKey.wrap(new byte[7_279]), value("v"));
        assertThatThrownBy(() -> transaction.put(ByteKey.wrap(new byte[7_280]), value("v")))
                .isInstanceOfSatisfying(
                        KvClientException.class, e -> assertThat(e.kind()).isEqualTo(Kind.INVALID));
    }

    // ---- scans

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aScanCrossesRegionsAndMergesOwnWrites(boolean reverse) {
        for (String k : List.of("a", "c", "g", "i", "o", "q", "z")) {
            t.put(k, "stored");
        }
        Transaction transaction = t.begin();
        transaction.put(key("b"), value("own"));
        transaction.put(key("c"), value("own"));
        transaction.delete(key("g"));
        transaction.delete(key("q"));
        transaction.put(key("zz"), value("own"));
        transaction.lockKeys(List.of(key("i"))).join();

        List<String> up = List.of("a=stored", "b=own", "c=own", "i=stored", "o=stored", "z=stored", "zz=own");
        List<String> wanted = new ArrayList<>(up);
        if (reverse) {
            java.util.Collections.reverse(wanted);
        }
        assertThat(scan(transaction, KeyRange.ALL, 100, reverse)).isEqualTo(wanted);
        assertThat(scan(transaction, KeyRange.ALL, 4, reverse)).isEqualTo(wanted.subList(0, 4));
        List<String> middle = new ArrayList<>(List.of("b=own", "c=own", "i=stored"));
        if (reverse) {
            java.util.Collections.reverse(middle);
        }
        assertThat(scan(transaction, new KeyRange(key("b"), key("o")), 100, reverse))
                .isEqualTo(middle);
        assertThat(scan(transaction, KeyRange.ALL, 0, reverse)).isEmpty();
    }

    private static List<String> scan(TxnReader reader, KeyRange range, int limit, boolean reverse) {
        return texts(reader.scan(new ScanRequest(range, limit, reverse, false)).join());
    }

    @Test
    void aScanOfKeysLeavesValuesOut() {
        t.put("a", "1");
        Transaction transaction = t.begin();
        transaction.put(key("b"), value("own"));
        assertThat(texts(transaction
                        .scan(new ScanRequest(KeyRange.ALL, 10, false, true))
                        .join()))
                .containsExactly("a=", "b=");
    }

    @Test
    void aPagedScanOfManyOwnWritesComesInBoundedPages() {
        Transaction transaction = t.begin();
        IntStream.range(0, 3_000).forEach(i -> transaction.put(key("%05d".formatted(i)), value("v")));
        List<Integer> pages = new ArrayList<>();
        transaction
                .scan(new ScanRequest(KeyRange.ALL, 2_500, false, true), (List<Pair> pairs) -> {
                    pages.add(pairs.size());
                    return CompletableFuture.completedFuture(null);
                })
                .join();
        assertThat(pages).allMatch(n -> n <= SnapshotScan.PAGE_PAIRS);
        assertThat(pages.stream().mapToInt(n -> n).sum()).isEqualTo(2_500);
    }

    /** Raw keys may split a V1 cluster anywhere: such a border is no encoding of a key. */
    @ParameterizedTest
    @ValueSource(strings = {"c", "abcdefgh", "abcdefghi", "b\0\0\0\0\0\0\0"})
    void bordersNeedNotBeEncodings(String border) {
        t.cluster.regions("", border);
        for (String k : List.of("a", "abcdefgh", "abcdefghi", "b", "bz", "c", "ca", "d")) {
            t.put(k, "v");
        }
        List<String> up = List.of("a=v", "abcdefgh=v", "abcdefghi=v", "b=v", "bz=v", "c=v", "ca=v", "d=v");
        List<String> down = new ArrayList<>(up);
        java.util.Collections.reverse(down);
        TxnSnapshot snapshot = t.txn.snapshot(t.now());
        assertThat(scan(snapshot, KeyRange.ALL, 100, false)).isEqualTo(up);
        assertThat(scan(snapshot, KeyRange.ALL, 100, true)).isEqualTo(down);
    }

    /**
     * A key and a zero is the next key: in front of the border between them there is no bound that would leave the key in, and in
     * front of the smallest border there is no key.
     */
    @Test
    void aScanDownLosesNoKeyInFrontOfABorderAndComesToAnEnd() {
        byte[] group = {'k', 'e', 'y', 's', 'a', 'r', 'e', 0, (byte) 0xFF};
        byte[] longer = {'b', 0, 0, 0, 0, 0, 0, 0, (byte) 0xF8, 1};
        t.cluster.regionsBetween(ByteKey.wrap(new byte[] {0}), ByteKey.wrap(longer), ByteKey.wrap(group));
        List<String> all = List.of("a", "b", "b\0", "keysare", "keysare\0", "z");
        all.forEach(k -> t.put(k, "v"));
        List<String> down = all.stream()
                .sorted(java.util.Comparator.reverseOrder())
                .map(k -> k + "=v")
                .toList();
        TxnSnapshot snapshot = t.txn.snapshot(t.now());

        assertThat(scan(snapshot, KeyRange.ALL, 100, true)).isEqualTo(down);
        assertThat(scan(snapshot, new KeyRange(key("b"), key("keysare\0")), 100, true))
                .containsExactly("keysare=v", "b\0=v", "b=v");
        assertThat(scan(snapshot, new KeyRange(key("b\0"), ByteKey.EMPTY), 3, true))
                .containsExactly("z=v", "keysare\0=v", "keysare=v");
    }

    // ---- sizes

    @Test
    void aTransactionIsBounded() {
        Transaction transaction = t.begin(TxnOptions.optimistic().withBounds(1_000, 3));
        transaction.put(key("a"), new byte[500]);
        assertThatThrownBy(() -> transaction.put(key("b"), new byte[500]))
                .isInstanceOfSatisfying(
                        TransactionTooLargeException.class,
                        e -> assertThat(e.kind()).isEqualTo(Kind.TOO_LARGE));
        transaction.put(key("a"), new byte[900]);
        transaction.put(key("b"), new byte[0]);
        transaction.put(key("c"), new byte[0]);
        assertThatThrownBy(() -> transaction.put(key("d"), new byte[0]))
                .isInstanceOf(TransactionTooLargeException.class);
        assertThatThrownBy(() -> transaction.put(key("c"), new byte[MemBuffer.VALUE_BYTES_MAX + 1]))
                .isInstanceOf(TransactionTooLargeException.class);
        transaction.commit().join();
        assertThat(t.read("d")).isEmpty();
        assertThat(t.counter("kv.client.txn.too.large")).isEqualTo(3);
    }

    /** Sizes around the bounds of one request. */
    @ParameterizedTest
    @ValueSource(ints = {1, 255, 256, 257, 1_023, 1_024, 1_025, 3_000})
    void anyNumberOfKeysCommits(int count) {
        Transaction transaction = t.begin();
        IntStream.range(0, count).forEach(i -> transaction.put(key("%c%05d".formatted('a' + i % 26, i)), value("v")));
        transaction.commit().join();
        t.awaitNoLocks();
        assertThat(t.requests(PrewriteRequest.class))
                .allMatch(p -> p.getMutationsCount() <= 1_024 && p.getSerializedSize() < 128 << 10);
        assertThat(t.txn.snapshot(t.now())
                        .scan(new ScanRequest(KeyRange.ALL, 10_000, false, true))
                        .join())
                .hasSize(count);
    }
}
