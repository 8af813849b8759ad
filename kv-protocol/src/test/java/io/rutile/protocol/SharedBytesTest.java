package io.rutile.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.rutile.protocol.kvrpcpb.KvPair;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class SharedBytesTest {

    private static final byte[] BYTES = "0123456789".getBytes(StandardCharsets.US_ASCII);

    @Test
    void anArrayIsShared() {
        assertThat(SharedBytes.of(UnsafeByteOperations.unsafeWrap(BYTES))).isSameAs(BYTES);
    }

    @Test
    void aFieldThatCameOverTheWireIsNotCopied() throws Exception {
        KvPair pair = KvPair.parseFrom(KvPair.newBuilder()
                .setKey(ByteString.copyFromUtf8("key"))
                .setValue(ByteString.copyFrom(BYTES))
                .build()
                .toByteArray());

        assertThat(SharedBytes.of(pair.getValue())).isEqualTo(BYTES).isSameAs(SharedBytes.of(pair.getValue()));
    }

    @Test
    void whatIsNoArrayOfItsOwnIsCopied() {
        ByteString whole = UnsafeByteOperations.unsafeWrap(BYTES);
        ByteString tail = ByteString.copyFrom(new byte[1_000]);

        assertThat(SharedBytes.of(whole.substring(2, 5))).isEqualTo("234".getBytes(StandardCharsets.US_ASCII));
        assertThat(SharedBytes.of(whole.concat(tail))).hasSize(1_010).startsWith(BYTES);
        assertThat(SharedBytes.of(tail.concat(whole))).hasSize(1_010).endsWith(BYTES);
        assertThat(SharedBytes.of(UnsafeByteOperations.unsafeWrap(ByteBuffer.wrap(BYTES))))
                .isEqualTo(BYTES);
        ByteBuffer direct = ByteBuffer.allocateDirect(BYTES.length);
        direct.put(BYTES).flip();
        assertThat(SharedBytes.of(UnsafeByteOperations.unsafeWrap(direct))).isEqualTo(BYTES);
        assertThat(SharedBytes.of(ByteString.EMPTY)).isEmpty();
    }
}
