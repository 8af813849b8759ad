package io.rutile.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import com.google.protobuf.UnknownFieldSet;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.KvPair;
import io.rutile.protocol.kvrpcpb.RawScanResponse;
import io.rutile.protocol.kvrpcpb.ScanResponse;
import io.rutile.protocol.tikvpb.TikvGrpc;
import java.io.ByteArrayInputStream;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ScanPageTest {

    private static final long SEED = Long.getLong("seed", System.nanoTime());

    private static final UnknownFieldSet UNKNOWN = UnknownFieldSet.newBuilder()
            .addField(
                    1_000,
                    UnknownFieldSet.Field.newBuilder()
                            .addVarint(5)
                            .addLengthDelimited(ByteString.copyFromUtf8("later"))
                            .build())
            .build();

    @Test
    void pairsAreReadAsTheyWereWritten() {
        Random random = new Random(SEED);
        RawScanResponse.Builder answer = RawScanResponse.newBuilder();
        long bytes = 0;
        for (int i = 0; i < 500; i++) {
            byte[] key = some(random);
            byte[] value = some(random);
            bytes += key.length + value.length;
            answer.addKvs(KvPair.newBuilder()
                    .setKey(ByteString.copyFrom(key))
                    .setValue(ByteString.copyFrom(value))
                    .setCommitTs(i)
                    .setUnknownFields(UNKNOWN));
        }

        ScanPage page = read(answer.setUnknownFields(UNKNOWN).build());

        assertThat(page.size()).isEqualTo(500);
        for (int i = 0; i < 500; i++) {
            assertThat(page.key(i).toByteString())
                    .as("seed %d", SEED)
                    .isEqualTo(answer.getKvs(i).getKey());
            assertThat(page.value(i)).isEqualTo(answer.getKvs(i).getValue().toByteArray());
        }
        assertThat(page.bytes()).isEqualTo(bytes);
        assertThat(page.pairErrors()).isEmpty();
        assertThat(page.regionError()).isNull();
        assertThat(page.error()).isNull();
    }

    @Test
    void pairsBehindAnErrorAreLeftOut() {
        ScanPage page = read(ScanResponse.newBuilder()
                .addPairs(pair("a"))
                .addPairs(KvPair.newBuilder().setError(error("b is locked")))
                .addPairs(pair("c"))
                .addPairs(KvPair.newBuilder().setError(error("d is locked")))
                .build());

        assertThat(page.size()).isEqualTo(1);
        assertThat(page.key(0).toByteString().toStringUtf8()).isEqualTo("a");
        assertThat(page.bytes()).isEqualTo(2);
        assertThat(page.pairErrors()).containsExactly(error("b is locked"), error("d is locked"));
    }

    @Test
    void errorsOfTheWholeAnswerAreRead() {
        Error region = Error.newBuilder().setMessage("not leader").build();

        assertThat(read(RawScanResponse.newBuilder().setRegionError(region).build())
                        .regionError())
                .isEqualTo(region);
        assertThat(read(ScanResponse.newBuilder().setError(error("locked")).build())
                        .error())
                .isEqualTo(error("locked"));
    }

    @Test
    void whatWasWrittenAsPairBytesIsRead() {
        PairBytes pairs = new PairBytes();
        pairs.add(new byte[] {1}, 1, new byte[] {2, 3}, 2);

        ScanPage page = read(pairs.toMessage(RawScanResponse.getDefaultInstance()));

        assertThat(page.key(0)).isEqualTo(ByteKey.wrap(new byte[] {1}));
        assertThat(page.value(0)).containsExactly(2, 3);
    }

    @Test
    void e1AnyBytesAreAPageOrATypedError() {
        Random random = new Random(SEED);
        byte[] good = ScanResponse.newBuilder()
                .addPairs(pair("a"))
                .addPairs(KvPair.newBuilder().setError(error("b")))
                .setError(error("c"))
                .build()
                .toByteArray();
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = Arrays.copyOf(good, random.nextInt(good.length + 1));
            for (int j = random.nextInt(3); j > 0 && bytes.length > 0; j--) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
            }
            try {
                read(bytes);
            } catch (StatusRuntimeException refused) {
                assertThat(refused.getStatus().getCode()).as("seed %d", SEED).isEqualTo(Status.Code.INTERNAL);
            }
        }
        assertThatThrownBy(() -> read(Arrays.copyOf(good, 4))).isInstanceOf(StatusRuntimeException.class);
        // A group's end that nothing began, between pairs and inside of one.
        assertThatThrownBy(() -> read(new byte[] {0x14})).isInstanceOf(StatusRuntimeException.class);
        assertThatThrownBy(() -> read(new byte[] {0x12, 1, 0x14})).isInstanceOf(StatusRuntimeException.class);
    }

    private static byte[] some(Random random) {
        byte[] bytes = new byte[random.nextInt(random.nextInt(20) == 0 ? 10_000 : 300)];
        random.nextBytes(bytes);
        return bytes;
    }

    private static KvPair pair(String text) {
        ByteString bytes = ByteString.copyFromUtf8(text);
        return KvPair.newBuilder().setKey(bytes).setValue(bytes).build();
    }

    private static KeyError error(String why) {
        return KeyError.newBuilder().setAbort(why).build();
    }

    private static ScanPage read(Message answer) {
        return read(answer.toByteArray());
    }

    private static ScanPage read(byte[] answer) {
        return ScanPage.answersOf(TikvGrpc.getRawScanMethod())
                .getResponseMarshaller()
                .parse(new ByteArrayInputStream(answer));
    }
}
