package io.rutile.storage.mvcc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.protocol.ByteKey;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The stored forms of docs/formats/mvcc.md: old data must stay readable. */
class MvccRecordsTest {

    private static final MvccKey KEY = MvccKey.of(key("k"));

    private static ByteKey key(String text) {
        return ByteKey.wrap(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    @Test
    void aLockReadsBackAsItWasWritten() {
        Lock lock = Lock.builder(LockKind.PUT, key("p"), 300)
                .ttlMs(3000)
                .shortValue(new byte[] {1, 2})
                .forUpdateTs(-2)
                .txnSize(7)
                .minCommitTs(301)
                .generation(4)
                .asyncCommit(List.of(key("s"), key("")))
                .lockedWithConflict(true)
                .addRolledBack(5)
                .addRolledBack(5)
                .addRolledBack(Ts.MAX - 1)
                .build();

        Lock read = Lock.decode(lock.encode());

        assertThat(read).usingRecursiveComparison().isEqualTo(lock);
        assertThat(read.rolledBack()).containsExactly(5L, Ts.MAX - 1);
    }

    @Test
    void theBytesOfALockAreAsDocumented() {
        Lock lock = Lock.builder(LockKind.PUT, key("p"), 300)
                .ttlMs(3000)
                .shortValue(new byte[] {9})
                .minCommitTs(1)
                .build();

        assertThat(hex(lock.encode()))
                .isEqualTo("01" + "01" + "01" + "ac02" + "b817" + "00" + "00" + "01" + "00" + "0170" + "0109" + "00"
                        + "00");
    }

    @Test
    void theBytesOfAWriteAreAsDocumented() {
        assertThat(hex(Write.of(WriteKind.PUT, 300, new byte[0], true).encode()))
                .isEqualTo("01" + "01" + "03" + "ac02" + "00");
        assertThat(hex(Write.rollback(300, true).encode())).isEqualTo("01" + "04" + "04" + "ac02");
    }

    @Test
    void newerVersionsComeFirstAndNoKeysVersionsMix() {
        List<byte[]> order = List.of(KEY.at(Ts.MAX), KEY.at(1L << 63), KEY.at(2), KEY.at(1), KEY.at(0));

        assertThat(order).isSortedAccordingTo(Arrays::compareUnsigned);
        assertThat(MvccKey.tsOf(KEY.at(1L << 63))).isEqualTo(1L << 63);
        assertThat(KEY.holds(KEY.at(3))).isTrue();
        assertThat(KEY.holds(MvccKey.of(key("k\0")).at(3))).isFalse();
        assertThat(MvccKey.ofVersion(KEY.at(3))).isEqualTo(KEY);
    }

    /** E1: damage is damage, never an absent record. */
    @Test
    void everyCutAndAForeignVersionIsDamage() {
        byte[] lock = Lock.builder(LockKind.PUT, key("p"), 300)
                .shortValue(new byte[5])
                .build()
                .encode();
        byte[] write = Write.of(WriteKind.PUT, 300, new byte[5], false).encode();
        for (int length = 0; length < lock.length; length++) {
            byte[] cut = Arrays.copyOf(lock, length);
            assertThatThrownBy(() -> Lock.decode(cut)).isInstanceOf(CorruptRecordException.class);
        }
        for (int length = 0; length < write.length; length++) {
            byte[] cut = Arrays.copyOf(write, length);
            assertThatThrownBy(() -> Write.decode(cut)).isInstanceOf(CorruptRecordException.class);
        }
        lock[0] = 2;
        assertThatThrownBy(() -> Lock.decode(lock)).hasMessageContaining("unknown format");
        byte[] longer = Arrays.copyOf(write, write.length + 1);
        assertThatThrownBy(() -> Write.decode(longer)).isInstanceOf(CorruptRecordException.class);
    }
}
