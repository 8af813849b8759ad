package io.rutile.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.Message;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.KvPair;
import io.rutile.protocol.kvrpcpb.RawBatchScanResponse;
import io.rutile.protocol.kvrpcpb.RawScanResponse;
import io.rutile.protocol.kvrpcpb.ScanResponse;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PairBytesTest {

    private static final long SEED = Long.getLong("seed", System.nanoTime());

    /** Where a length takes another byte, or a pair another chunk. */
    private static final int[] LENGTHS = {0, 1, 20, 100, 127, 128, 300, 4_000, 16_383, 16_384, 65_500, 70_000};

    private final PairBytes pairs = new PairBytes();
    private final ScanResponse.Builder message = ScanResponse.newBuilder();

    @Test
    void bytesAreThoseOfTheMessage() throws IOException {
        Random random = new Random(SEED);
        for (int i = 0; i < 2_000; i++) {
            if (random.nextInt(50) == 0) {
                addError("locked " + i);
            } else {
                add(some(random), some(random));
            }
        }

        Message answer = pairs.toMessage(ScanResponse.getDefaultInstance());

        ScanResponse expected = message.build();
        assertThat(answer.toByteString()).as("seed %d", SEED).isEqualTo(expected.toByteString());
        assertThat(answer.getSerializedSize()).isEqualTo(expected.getSerializedSize());
        assertThat(written(answer)).isEqualTo(expected.toByteArray());
        assertThat(coded(answer)).isEqualTo(expected.toByteArray());
        assertThat(pairs.count()).isEqualTo(2_000);
    }

    @Test
    void noPairsAreAnEmptyMessage() {
        Message answer = pairs.toMessage(RawScanResponse.getDefaultInstance());

        assertThat(answer.toByteString()).isEqualTo(ByteString.EMPTY);
        assertThat(answer).isEqualTo(RawScanResponse.getDefaultInstance());
    }

    @Test
    void whoAsksForFieldsIsShownTheMessage() {
        add(new byte[] {1}, new byte[] {2, 3});
        addError("why");

        Message answer = pairs.toMessage(ScanResponse.getDefaultInstance());

        ScanResponse expected = message.build();
        var fields = ScanResponse.getDescriptor();
        assertThat(answer).isEqualTo(expected).hasSameHashCodeAs(expected).hasToString(expected.toString());
        assertThat(expected).isEqualTo(answer);
        assertThat(answer.hasField(fields.findFieldByName("error"))).isFalse();
        assertThat(answer.hasField(fields.findFieldByName("region_error"))).isFalse();
        assertThat(answer.getRepeatedFieldCount(fields.findFieldByName("pairs")))
                .isEqualTo(2);
        assertThat(answer.getRepeatedField(fields.findFieldByName("pairs"), 1)).isEqualTo(expected.getPairs(1));
        assertThat(answer.toBuilder().build()).isEqualTo(expected);
    }

    @Test
    void theFieldOfThePairsIsTheSameInAllAnswers() {
        assertThat(RawScanResponse.KVS_FIELD_NUMBER)
                .isEqualTo(RawBatchScanResponse.KVS_FIELD_NUMBER)
                .isEqualTo(ScanResponse.PAIRS_FIELD_NUMBER);
    }

    private static byte[] some(Random random) {
        byte[] bytes = new byte[LENGTHS[random.nextInt(random.nextInt(20) == 0 ? LENGTHS.length : 6)]];
        random.nextBytes(bytes);
        return bytes;
    }

    private void add(byte[] key, byte[] value) {
        pairs.add(Arrays.copyOf(key, key.length + 7), key.length, Arrays.copyOf(value, value.length + 3), value.length);
        message.addPairs(KvPair.newBuilder().setKey(ByteString.copyFrom(key)).setValue(ByteString.copyFrom(value)));
    }

    private void addError(String why) {
        KvPair pair = KvPair.newBuilder()
                .setError(KeyError.newBuilder().setAbort(why))
                .build();
        pairs.add(pair);
        message.addPairs(pair);
    }

    private static byte[] written(Message answer) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        answer.writeTo(out);
        return out.toByteArray();
    }

    private static byte[] coded(Message answer) throws IOException {
        byte[] bytes = new byte[answer.getSerializedSize()];
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        answer.writeTo(out);
        out.checkNoSpaceLeft();
        return bytes;
    }
}
