package io.rutile.raft.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.alipay.sofa.jraft.conf.ConfigurationManager;
import com.alipay.sofa.jraft.entity.EnumOutter.EntryType;
import com.alipay.sofa.jraft.entity.LogEntry;
import com.alipay.sofa.jraft.entity.LogId;
import com.alipay.sofa.jraft.entity.PeerId;
import com.alipay.sofa.jraft.entity.RaftOutter.SnapshotMeta;
import com.alipay.sofa.jraft.entity.codec.v2.LogEntryV2CodecFactory;
import com.alipay.sofa.jraft.option.LogStorageOptions;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.rocksdb.RocksDBException;
import org.rocksdb.WriteBatch;

class RaftLogTest {

    private static final long GROUP = 9;

    @TempDir
    Path dir;

    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();

    private RaftLog open(UnaryOperator<LogDisk> faults) throws IOException {
        return new RaftLog(dir, 1, 2, true, meters, failure -> {}, faults);
    }

    private RaftLog open() throws IOException {
        return open(UnaryOperator.identity());
    }

    private static GroupLog group(RaftLog log, ConfigurationManager memberships) {
        GroupLog group = log.entries(GROUP);
        LogStorageOptions options = new LogStorageOptions();
        options.setGroupId("g" + GROUP);
        options.setConfigurationManager(memberships);
        options.setLogEntryCodecFactory(LogEntryV2CodecFactory.getInstance());
        assertThat(group.init(options)).isTrue();
        return group;
    }

    private static GroupLog group(RaftLog log) {
        return group(log, new ConfigurationManager());
    }

    private static LogEntry entry(long index, long term, String data) {
        LogEntry entry = new LogEntry(EntryType.ENTRY_TYPE_DATA);
        entry.setId(new LogId(index, term));
        entry.setData(ByteBuffer.wrap(data.getBytes(java.nio.charset.StandardCharsets.UTF_8)));
        return entry;
    }

    private static List<LogEntry> entries(long from, long to) {
        List<LogEntry> entries = new ArrayList<>();
        for (long index = from; index <= to; index++) {
            entries.add(entry(index, 3, "e" + index));
        }
        return entries;
    }

    @Test
    void emptyLogAnswersOneAndZero() throws IOException {
        try (RaftLog log = open()) {
            GroupLog group = group(log);
            assertThat(group.getFirstLogIndex()).isEqualTo(1);
            assertThat(group.getLastLogIndex()).isZero();
            assertThat(group.getEntry(1)).isNull();
        }
    }

    @Test
    void entriesAndBoundsSurviveAReopening() throws IOException {
        try (RaftLog log = open()) {
            GroupLog group = group(log);
            assertThat(group.appendEntries(entries(6, 30))).isEqualTo(25);
            assertThat(group.truncatePrefix(11)).isTrue();
            assertThat(group.truncateSuffix(20)).isTrue();
        }
        try (RaftLog log = open()) {
            GroupLog group = group(log);
            assertThat(group.getFirstLogIndex()).isEqualTo(11);
            assertThat(group.getLastLogIndex()).isEqualTo(20);
            assertThat(group.getEntry(10)).isNull();
            assertThat(group.getEntry(21)).isNull();
            assertThat(group.getTerm(15)).isEqualTo(3);
            assertThat(group.appendEntry(entry(21, 4, "again"))).isTrue();
            assertThat(group.getTerm(21)).isEqualTo(4);
        }
    }

    /** A disk that was changed under the log is not read for what the log has just written. */
    @Test
    void theNewestEntryIsReadFromMemory() throws IOException, RocksDBException {
        try (RaftLog log = open()) {
            GroupLog group = group(log);
            group.appendEntries(checked(entries(1, 5)));
            damage(log, 5);
            assertThat(group.getTerm(5)).isEqualTo(3);
            LogEntry newest = Objects.requireNonNull(group.getEntry(5));
            assertThat(newest.isCorrupted()).isFalse();
            assertThat(newest.hasChecksum()).isTrue();
            assertThat(newest.getChecksum()).isEqualTo(newest.checksum());
            assertThat(newest.getReadOnlyData())
                    .isEqualTo(ByteBuffer.wrap("e5".getBytes(java.nio.charset.StandardCharsets.UTF_8)));
            assertThat(group.getEntry(4)).isEqualTo(entries(4, 4).get(0));
        }
        try (RaftLog log = open()) {
            assertThat(Objects.requireNonNull(group(log).getEntry(5)).isCorrupted())
                    .as("found damaged at the start")
                    .isTrue();
        }
    }

    @Test
    void theNewestEntryIsTheOneThatOverruledItsPredecessor() throws IOException {
        try (RaftLog log = open()) {
            GroupLog group = group(log);
            group.appendEntries(entries(1, 5));
            assertThat(group.truncateSuffix(3)).isTrue();
            assertThat(group.getEntry(5)).isNull();
            assertThat(group.getTerm(3)).isEqualTo(3);
            group.appendEntries(List.of(entry(4, 7, "other"), entry(5, 7, "x".repeat(GroupLog.TAIL_BYTES_MAX))));
            assertThat(group.getTerm(5)).isEqualTo(7);
            assertThat(group.getTerm(4)).isEqualTo(7);
            group.appendEntry(entry(6, 8, "next"));
            assertThat(group.getTerm(5)).isEqualTo(7);
            assertThat(group.getTerm(6)).isEqualTo(8);
        }
        try (RaftLog log = open()) {
            GroupLog group = group(log);
            assertThat(group.getTerm(6)).isEqualTo(8);
            assertThat(group.reset(6)).isTrue();
            assertThat(group.getTerm(6)).isEqualTo(8);
            assertThat(group.reset(90)).isTrue();
            assertThat(group.getTerm(6)).isZero();
            assertThat(group.getTerm(90)).isZero();
        }
    }

    /** Half of the entries have half of the bytes, about; a log that was opened again is as long as it was. */
    @Test
    void sizeFollowsWhatIsAppendedAndCut() throws IOException {
        List<LogEntry> large = new ArrayList<>();
        for (long index = 1; index <= 400; index++) {
            large.add(entry(index, 3, "x".repeat(4_000)));
        }
        try (RaftLog log = open()) {
            GroupLog group = group(log);
            assertThat(group.sizeBytes()).isZero();
            group.appendEntries(large);
            assertThat(group.sizeBytes()).isBetween(1_600_000L, 1_650_000L);
            group.truncatePrefix(201);
            assertThat(group.sizeBytes()).isBetween(800_000L, 825_000L);
            group.truncateSuffix(300);
            assertThat(group.sizeBytes()).isBetween(400_000L, 413_000L);
        }
        try (RaftLog log = open()) {
            GroupLog group = group(log);
            assertThat(group.sizeBytes()).isBetween(200_000L, 900_000L);
            group.truncatePrefix(301);
            assertThat(group.sizeBytes()).isZero();
            group.appendEntries(List.of(entry(301, 4, "y".repeat(1_000))));
            assertThat(group.sizeBytes()).isBetween(1_000L, 1_100L);
            group.reset(500);
            assertThat(group.sizeBytes()).isZero();
        }
    }

    private static List<LogEntry> checked(List<LogEntry> entries) {
        entries.forEach(entry -> entry.setChecksum(entry.checksum()));
        return entries;
    }

    private static void damage(RaftLog log, long index) throws IOException, RocksDBException {
        byte[] key = LogKeys.of(LogKeys.ENTRY, GROUP, index);
        byte[] value = Objects.requireNonNull(log.get(key));
        value[value.length - 1] ^= 1;
        try (WriteBatch batch = new WriteBatch()) {
            batch.put(key, value);
            log.write(batch, true);
        }
    }

    @Test
    void cutBehindTheEndLeavesAnEmptyLogThatGoesOnThere() throws IOException {
        try (RaftLog log = open()) {
            GroupLog group = group(log);
            group.appendEntries(entries(1, 5));
            assertThat(group.truncatePrefix(100)).isTrue();
            assertThat(group.getFirstLogIndex()).isEqualTo(100);
            assertThat(group.getLastLogIndex()).isZero();
        }
        try (RaftLog log = open()) {
            GroupLog group = group(log);
            assertThat(group.getFirstLogIndex()).isEqualTo(100);
            assertThat(group.getLastLogIndex()).isZero();
            group.appendEntries(entries(100, 101));
            assertThat(group.getLastLogIndex()).isEqualTo(101);
            assertThat(group.getEntry(1)).isNull();
        }
    }

    @Test
    void longCutIsPurgedInTheBackgroundAndCountsAtOnce() throws IOException {
        try (RaftLog log = open()) {
            GroupLog group = group(log);
            group.appendEntries(entries(1, 5_000));
            assertThat(group.truncatePrefix(4_001)).isTrue();

            assertThat(group.getFirstLogIndex()).isEqualTo(4_001);
            assertThat(group.getEntry(4_000)).isNull();
            assertThat(group.getEntry(4_001)).isNotNull();
            await().until(() -> log.get(LogKeys.of(LogKeys.ENTRY, GROUP, 4_000)) == null);
            assertThat(log.get(LogKeys.of(LogKeys.ENTRY, GROUP, 4_001))).isNotNull();
        }
    }

    @Test
    void resetKeepsTheEntryThereOrPutsAnEmptyOne() throws IOException {
        try (RaftLog log = open()) {
            GroupLog group = group(log);
            group.appendEntries(entries(1, 10));
            assertThat(group.reset(7)).isTrue();
            assertThat(group.getFirstLogIndex()).isEqualTo(7);
            assertThat(group.getLastLogIndex()).isEqualTo(7);
            assertThat(group.getTerm(7)).isEqualTo(3);
            assertThat(group.reset(50)).isTrue();
            assertThat(group.getTerm(50)).isZero();
            assertThat(group.getEntry(7)).isNull();
        }
    }

    @Test
    void membershipsAreFedBackAtOpening() throws IOException {
        LogEntry conf = new LogEntry(EntryType.ENTRY_TYPE_CONFIGURATION);
        conf.setId(new LogId(2, 3));
        conf.setPeers(List.of(PeerId.parsePeer("store1:1:7")));
        try (RaftLog log = open()) {
            GroupLog group = group(log);
            group.appendEntry(entry(1, 3, "a"));
            group.appendEntry(conf);
        }
        try (RaftLog log = open()) {
            ConfigurationManager memberships = new ConfigurationManager();
            group(log, memberships);
            assertThat(memberships.getLastConfiguration().getConf().listPeers())
                    .containsExactly(PeerId.parsePeer("store1:1:7"));
            assertThat(memberships.getLastConfiguration().getId().getIndex()).isEqualTo(2);
        }
    }

    @Test
    void r8_voteSurvivesAReopening() throws IOException {
        PeerId vote = PeerId.parsePeer("store3:1:103");
        try (RaftLog log = open()) {
            assertThat(log.vote(GROUP).setTermAndVotedFor(12, vote)).isTrue();
        }
        try (RaftLog log = open()) {
            assertThat(log.vote(GROUP).getTerm()).isEqualTo(12);
            assertThat(log.vote(GROUP).getVotedFor()).isEqualTo(vote);
        }
    }

    @Test
    void destroyedGroupLeavesNothingAndItsNeighboursEverything() throws IOException {
        try (RaftLog log = open()) {
            SnapshotMeta meta = SnapshotMeta.newBuilder()
                    .setLastIncludedIndex(5)
                    .setLastIncludedTerm(1)
                    .build();
            for (long group : new long[] {GROUP - 1, GROUP, GROUP + 1}) {
                log.begin(group, 77, new CompactionPoint(5, meta));
            }
            GroupLog group = group(log);
            group.appendEntries(entries(6, 30));
            group.shutdown();
            log.destroy(GROUP);

            assertThat(log.owner(GROUP)).isZero();
            assertThat(log.point(GROUP)).isEmpty();
            assertThat(log.vote(GROUP).getTerm()).isZero();
            assertThat(group(log).getLastLogIndex()).isZero();
            assertThat(log.owner(GROUP - 1)).isEqualTo(77);
            assertThat(log.point(GROUP + 1)).contains(new CompactionPoint(5, meta));
        }
    }

    @Test
    void logOfAnotherStoreIsRefused() throws IOException {
        open().close();
        assertThatThrownBy(() -> new RaftLog(dir, 1, 3, true, meters, failure -> {}, UnaryOperator.identity()))
                .isInstanceOf(ForeignLogException.class)
                .hasMessageContaining("belongs to store 2 of cluster 1");
    }

    @Test
    void oneSyncServesWhoeverWaitsForIt() throws Exception {
        CountDownLatch hold = new CountDownLatch(1);
        CountDownLatch inSync = new CountDownLatch(1);
        AtomicInteger syncs = new AtomicInteger();
        AtomicInteger writes = new AtomicInteger();
        UnaryOperator<LogDisk> slow = disk -> new LogDisk() {
            @Override
            public void write(WriteBatch batch) throws RocksDBException {
                disk.write(batch);
                writes.incrementAndGet();
            }

            @Override
            public void sync() throws RocksDBException {
                if (syncs.incrementAndGet() == 2) {
                    inSync.countDown();
                    try {
                        hold.await();
                    } catch (InterruptedException e) {
                        throw new RocksDBException("interrupted");
                    }
                }
                disk.sync();
            }
        };
        try (RaftLog log = open(slow)) {
            List<Thread> writers = new ArrayList<>();
            for (long id = 1; id <= 10; id++) {
                long group = id;
                Thread writer = new Thread(() -> {
                    try {
                        log.claim(group, 1);
                    } catch (IOException e) {
                        throw new IllegalStateException(e);
                    }
                });
                writers.add(writer);
                writer.start();
                inSync.await();
            }
            await().until(() -> writes.get() == 11);
            hold.countDown();
            for (Thread writer : writers) {
                writer.join();
            }

            // Opening, the one that was held, and one or two for the nine that came meanwhile.
            assertThat(syncs.get()).isBetween(3, 4);
        }
    }

    @Test
    void r9_firstFailureIsFinalAndToldOnce() throws IOException {
        AtomicInteger told = new AtomicInteger();
        boolean[] broken = new boolean[1];
        UnaryOperator<LogDisk> faults = disk -> new LogDisk() {
            @Override
            public void write(WriteBatch batch) throws RocksDBException {
                disk.write(batch);
            }

            @Override
            public void sync() throws RocksDBException {
                if (broken[0]) {
                    throw new RocksDBException("input/output error");
                }
                disk.sync();
            }
        };
        try (RaftLog log = new RaftLog(dir, 1, 2, true, meters, failure -> told.incrementAndGet(), faults)) {
            GroupLog group = group(log);
            assertThat(group.appendEntry(entry(1, 1, "a"))).isTrue();
            broken[0] = true;
            assertThat(group.appendEntries(entries(2, 3))).isZero();
            broken[0] = false;

            assertThat(group.appendEntries(entries(2, 3))).isZero();
            assertThat(log.vote(GROUP).setTerm(5)).isFalse();
            assertThat(told).hasValue(1);
            assertThat(log.failure()).isNotNull();
        }
    }
}
