package io.rutile.node.raftstore;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.storage.engine.Cf;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class ChangeWatchersTest {

    private final ChangeWatchers watchers = new ChangeWatchers();

    /** Notes what it is told. */
    private static final class Ears implements ChangeWatcher {

        final List<String> told = new ArrayList<>();
        private final KeyRange range;

        Ears(String start, String end) {
            range = new KeyRange(key(start), key(end));
        }

        @Override
        public KeyRange range() {
            return range;
        }

        @Override
        public void applied(long index, List<AppliedChange> changes) {
            for (AppliedChange change : changes) {
                told.add(change.index() + (change.value() == null ? " -" : " +") + text(change.key()));
            }
            told.add("up to " + index);
        }

        @Override
        public void batchEnded() {
            told.add("end of batch");
        }

        @Override
        public void ended() {
            told.add("over");
        }
    }

    private static ByteKey key(String text) {
        return ByteKey.wrap(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static ByteBuffer bytes(String text) {
        // As in a log entry: not from the beginning of its array.
        byte[] padded = ("xx" + text).getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.wrap(padded, 2, padded.length - 2).slice();
    }

    @Test
    void whoWatchesIsToldWhatLiesInTheirRange() {
        Ears left = new Ears("a", "m");
        Ears all = new Ears("", "");
        watchers.add(left);
        watchers.add(all);

        ChangeWatchers.Notes notes = Objects.requireNonNull(watchers.open());
        notes.put(7, Cf.LOCK, bytes("b"), bytes("1"));
        notes.put(7, Cf.RAW, bytes("b"), bytes("1"));
        notes.put(8, Cf.WRITE, bytes("m"), bytes("2"));
        notes.delete(8, Cf.LOCK, bytes("lz"));
        notes.delete(8, Cf.WRITE, bytes("c"));
        assertThat(all.told).as("before it can be seen").isEmpty();
        notes.settle(9);
        notes.settle(10);
        watchers.close();

        assertThat(left.told).containsExactly("7 +b", "8 -lz", "up to 9", "up to 10", "end of batch");
        assertThat(all.told).containsExactly("7 +b", "8 +m", "8 -lz", "up to 9", "up to 10", "end of batch");
    }

    @Test
    void whoComesInTheMiddleOfABatchKnowsWhenItHasEnded() {
        assertThat(watchers.open()).isNull();
        Ears late = new Ears("", "");

        long added = watchers.add(late);

        assertThat(watchers.tellsAll(added)).isFalse();
        watchers.close();
        assertThat(watchers.tellsAll(added)).isTrue();
        assertThat(late.told).containsExactly("end of batch");
        assertThat(watchers.open()).isNotNull();
        assertThat(watchers.tellsAll(added)).isTrue();
    }

    @Test
    void whoComesBetweenBatchesIsToldAllFromThenOn() {
        watchers.open();
        watchers.close();

        assertThat(watchers.tellsAll(watchers.add(new Ears("", "")))).isTrue();
    }

    @Test
    void whenItIsOverNobodyWatches() {
        Ears ears = new Ears("", "");
        Ears gone = new Ears("", "");
        watchers.add(ears);
        watchers.add(gone);
        watchers.remove(gone);

        watchers.end();
        watchers.end();

        assertThat(ears.told).containsExactly("over");
        assertThat(gone.told).isEmpty();
        assertThat(watchers.open()).isNull();
    }
}
