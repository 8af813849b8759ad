package io.rutile.raft.log;

import static org.assertj.core.api.Assertions.assertThat;

import com.alipay.sofa.jraft.Status;
import com.alipay.sofa.jraft.conf.ConfigurationManager;
import com.alipay.sofa.jraft.entity.EnumOutter.EntryType;
import com.alipay.sofa.jraft.entity.LogEntry;
import com.alipay.sofa.jraft.entity.LogId;
import com.alipay.sofa.jraft.entity.codec.v2.LogEntryV2CodecFactory;
import com.alipay.sofa.jraft.option.LogStorageOptions;
import com.alipay.sofa.jraft.storage.LogManager.StableClosure;
import com.alipay.sofa.jraft.storage.impl.LogManagerImpl;
import com.lmax.disruptor.EventHandler;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.raft.disruptor.RingThreads;
import java.io.IOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.rocksdb.RocksDBException;
import org.rocksdb.WriteBatch;

/** R8: many groups share a sync, and nobody hears of an append before it is durable. */
class AppendRoundTest {

    /** What happened, in order. */
    private final List<String> events = new ArrayList<>();

    private final class TalkingDisk implements LogDisk {

        private final LogDisk disk;
        boolean syncsFail;

        TalkingDisk(LogDisk disk) {
            this.disk = disk;
        }

        @Override
        public void write(WriteBatch batch) throws RocksDBException {
            disk.write(batch);
            events.add("write");
        }

        @Override
        public void sync() throws RocksDBException {
            if (syncsFail) {
                throw new RocksDBException("input/output error");
            }
            disk.sync();
            events.add("sync");
        }
    }

    /** A closure that tells what it is told. */
    private final class Told extends StableClosure {

        private final String name;

        Told(String name, List<LogEntry> entries) {
            super(entries);
            this.name = name;
        }

        @Override
        public void run(Status status) {
            events.add(name + (status.isOk() ? " ok" : " " + status.getRaftError()));
        }
    }

    /** As JRaft's own handler: appends what an event carries and tells its closure; cuts if it carries nothing. */
    private final class Appender implements EventHandler<Object> {

        private final GroupLog group;
        private final List<StableClosure> batch = new ArrayList<>();

        Appender(GroupLog group) {
            this.group = group;
        }

        @Override
        public void onEvent(Object event, long sequence, boolean endOfBatch) throws Exception {
            StableClosure done = (StableClosure) field().get(event);
            if (done.getEntries() == null || done.getEntries().isEmpty()) {
                flush();
                assertThat(group.truncateSuffix(sequence)).isTrue();
                done.run(Status.OK());
                return;
            }
            batch.add(done);
            if (endOfBatch) {
                flush();
            }
        }

        private void flush() {
            List<LogEntry> all = new ArrayList<>();
            batch.forEach(each -> all.addAll(each.getEntries()));
            if (!all.isEmpty()) {
                assertThat(group.appendEntries(all)).isEqualTo(all.size());
            }
            batch.forEach(each -> each.run(Status.OK()));
            batch.clear();
        }
    }

    @TempDir
    Path dir;

    private @Nullable TalkingDisk disk;
    private RaftLog log;
    private RingThreads.Logs round;

    @BeforeEach
    void open() throws IOException {
        log = new RaftLog(dir, 1, 2, true, new SimpleMeterRegistry(), failure -> events.add("failed"), real -> {
            disk = new TalkingDisk(real);
            return disk;
        });
        round = log.round();
        events.clear();
    }

    @AfterEach
    void close() {
        log.close();
    }

    private EventHandler<Object> ring(long groupId) {
        GroupLog group = log.entries(groupId);
        LogStorageOptions options = new LogStorageOptions();
        options.setGroupId("g" + groupId);
        options.setConfigurationManager(new ConfigurationManager());
        options.setLogEntryCodecFactory(LogEntryV2CodecFactory.getInstance());
        assertThat(group.init(options)).isTrue();
        return round.around(new Appender(group));
    }

    private static Field field() throws ReflectiveOperationException {
        Field done = eventClass().getDeclaredField("done");
        done.setAccessible(true);
        return done;
    }

    private static Class<?> eventClass() throws ClassNotFoundException {
        return Class.forName(LogManagerImpl.class.getName() + "$StableClosureEvent");
    }

    private static Object event(StableClosure done) throws ReflectiveOperationException {
        Constructor<?> make = eventClass().getDeclaredConstructor();
        make.setAccessible(true);
        Object event = make.newInstance();
        field().set(event, done);
        return event;
    }

    private Object append(String name, long index) throws ReflectiveOperationException {
        LogEntry entry = new LogEntry(EntryType.ENTRY_TYPE_DATA);
        entry.setId(new LogId(index, 1));
        entry.setData(ByteBuffer.wrap("data".getBytes(StandardCharsets.UTF_8)));
        return event(new Told(name, new ArrayList<>(List.of(entry))));
    }

    private Object cut(String name) throws ReflectiveOperationException {
        return event(new Told(name, new ArrayList<>()));
    }

    @Test
    void manyGroupsShareASyncAndAreToldAfterIt() throws Exception {
        EventHandler<Object> one = ring(1);
        EventHandler<Object> two = ring(2);

        one.onEvent(append("a", 1), 0, false);
        one.onEvent(append("b", 2), 1, true);
        two.onEvent(append("c", 1), 0, true);
        assertThat(events).containsExactly("write", "write");
        round.settle();

        assertThat(events).containsExactly("write", "write", "sync", "a ok", "b ok", "c ok");
        round.settle();
        assertThat(events).as("nothing is owed any more").hasSize(6);
    }

    @Test
    void aCutComesAfterWhatWasAppendedBeforeItIsToldAndBeforeWhatFollows() throws Exception {
        EventHandler<Object> one = ring(1);
        EventHandler<Object> two = ring(2);

        two.onEvent(append("other", 1), 0, true);
        one.onEvent(append("a", 1), 0, true);
        one.onEvent(append("b", 2), 1, false);
        one.onEvent(cut("cut"), 1, false);
        one.onEvent(append("c", 2), 3, true);
        round.settle();

        assertThat(events)
                .containsExactly(
                        "write",
                        "write",
                        "sync",
                        "other ok",
                        "a ok", // What the cut finds.
                        "write",
                        "sync",
                        "b ok", // What its own batch had gathered.
                        "write",
                        "sync",
                        "cut ok", //
                        "write",
                        "sync",
                        "c ok");
    }

    @Test
    void nobodyIsToldThatItIsThereIfTheSyncFails() throws Exception {
        EventHandler<Object> one = ring(1);
        EventHandler<Object> two = ring(2);
        one.onEvent(append("a", 1), 0, true);
        two.onEvent(append("b", 1), 0, true);
        assertThat(disk).isNotNull();
        disk.syncsFail = true;

        round.settle();

        assertThat(events).containsExactly("write", "write", "failed", "a EIO", "b EIO");
        assertThat(log.failure()).isNotNull();
    }

    @Test
    void aRoundOfManyBytesIsSettledOnTheWay() throws Exception {
        EventHandler<Object> one = ring(1);
        for (int i = 1; i <= 5; i++) {
            LogEntry entry = new LogEntry(EntryType.ENTRY_TYPE_DATA);
            entry.setId(new LogId(i, 1));
            entry.setData(ByteBuffer.allocate(1 << 20));
            one.onEvent(event(new Told("a" + i, new ArrayList<>(List.of(entry)))), i, true);
        }

        assertThat(events).containsSubsequence("sync", "a1 ok", "a2 ok", "a3 ok", "write");
    }
}
