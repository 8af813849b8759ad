package io.rutile.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KeyRangeTest {

    @ParameterizedTest
    @CsvSource({
        "b,d,a,false",
        "b,d,b,true",
        "b,d,c,true",
        "b,d,d,false",
        "'','','',true",
        "b,'',zz,true",
        "b,'',a,false",
    })
    void containsItsStartAndNotItsEnd(String start, String end, String key, boolean inside) {
        assertThat(range(start, end).contains(key(key))).isEqualTo(inside);
    }

    @ParameterizedTest
    @CsvSource({
        "a,b,b,c,false",
        "a,c,b,d,true",
        "'','',x,y,true",
        "a,'',b,c,true",
        "b,'',a,b,false",
        "b,'','',c,true",
    })
    void overlapsIsSymmetric(String start, String end, String otherStart, String otherEnd, boolean overlap) {
        assertThat(range(start, end).overlaps(range(otherStart, otherEnd))).isEqualTo(overlap);
        assertThat(range(otherStart, otherEnd).overlaps(range(start, end))).isEqualTo(overlap);
    }

    @ParameterizedTest
    @CsvSource({"a,b,false", "b,b,true", "b,a,true", "a,'',false", "'','',false"})
    void isEmptyIfNoKeyFits(String start, String end, boolean empty) {
        assertThat(range(start, end).isEmpty()).isEqualTo(empty);
    }

    @Test
    void keysAreOrderedAsUnsignedBytes() {
        ByteKey low = ByteKey.wrap(new byte[] {0x7F});
        ByteKey high = ByteKey.wrap(new byte[] {(byte) 0x80});

        assertThat(low).isLessThan(high);
        assertThat(low.next()).isGreaterThan(low).isLessThan(high);
        assertThat(ByteKey.EMPTY.next()).isEqualTo(ByteKey.wrap(new byte[] {0}));
    }

    private static KeyRange range(String start, String end) {
        return new KeyRange(key(start), key(end));
    }

    private static ByteKey key(String text) {
        return ByteKey.of(ByteString.copyFromUtf8(text));
    }
}
