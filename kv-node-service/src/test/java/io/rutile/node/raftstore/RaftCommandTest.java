package io.rutile.node.raftstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.RegionEpoch;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.WriteBatch;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RaftCommandTest {

    private static final RegionEpoch EPOCH =
            RegionEpoch.newBuilder().setVersion(300).setConfVer(2).build();
    private static final HexFormat HEX = HexFormat.of();

    /** Writes down what a command does. */
    private static final class Script implements RaftCommand.Ops {
        final List<String> lines = new ArrayList<>();

        @Override
        public void put(Cf cf, ByteBuffer key, ByteBuffer value) {
            lines.add("put " + cf + " " + hex(key) + " " + hex(value));
        }

        @Override
        public void delete(Cf cf, ByteBuffer key) {
            lines.add("delete " + cf + " " + hex(key));
        }

        @Override
        public void deleteRange(Cf cf, byte[] start, byte[] end) {
            lines.add("deleteRange " + cf + " " + HEX.formatHex(start) + " " + HEX.formatHex(end));
        }

        private static String hex(ByteBuffer bytes) {
            byte[] copy = new byte[bytes.remaining()];
            bytes.duplicate().get(copy);
            return HEX.formatHex(copy);
        }
    }

    private static ByteKey key(int... bytes) {
        byte[] key = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            key[i] = (byte) bytes[i];
        }
        return ByteKey.wrap(key);
    }

    private static WriteBatch batch() {
        return new WriteBatch()
                .put(Cf.RAW, key(1, 2), new byte[] {9})
                .put(Cf.DEFAULT, ByteKey.EMPTY, new byte[0])
                .delete(Cf.LOCK, key(3))
                .deleteRange(Cf.RAW_WRITE, key(4), ByteKey.EMPTY);
    }

    @Test
    void theFormatIsWhatTheDocumentSays() {
        byte[] bytes = RaftCommand.Write.encode(EPOCH, batch());

        assertThat(HEX.formatHex(bytes))
                .isEqualTo("01" + "01" + "ac02" + "02" // format, write, epoch version 300, conf_ver 2
                        + "03" + "020102" + "0109" // put raw 0102 = 09
                        + "00" + "00" + "00" // put default "" = ""
                        + "11" + "0103" // delete lock 03
                        + "25" + "0104" + "00"); // delete range raw_write [04, open)
    }

    @Test
    void aWriteComesBackAsItWas() {
        RaftCommand.Write write = RaftCommand.Write.of(EPOCH, batch());
        Script script = new Script();

        write.forEach(script);

        assertThat(write.epoch()).isEqualTo(EPOCH);
        assertThat(script.lines)
                .containsExactly("put RAW 0102 09", "put DEFAULT  ", "delete LOCK 03", "deleteRange RAW_WRITE 04 ");
        assertThat(write.encode()).isEqualTo(RaftCommand.Write.encode(EPOCH, batch()));
    }

    @Test
    void itsSizeIsKnownBeforeItIsEncoded() {
        WriteBatch large = new WriteBatch().put(Cf.RAW, key(1), new byte[200_000]);

        assertThat(RaftCommand.Write.sizeBytes(EPOCH, large)).isEqualTo(RaftCommand.Write.encode(EPOCH, large).length);
    }

    @Test
    void readingMovesNothingInTheLogsOwnBuffer() {
        ByteBuffer log =
                ByteBuffer.wrap(RaftCommand.Write.encode(EPOCH, batch())).asReadOnlyBuffer();

        RaftCommand.Write write = (RaftCommand.Write) RaftCommand.decode(log.duplicate());
        write.forEach(new Script());
        Script again = new Script();
        write.forEach(again);

        assertThat(log.position()).isZero();
        assertThat(again.lines).hasSize(4);
    }

    @Test
    void aPeerChangeComesBackAsItWas() {
        for (PeerChange.Kind kind : PeerChange.Kind.values()) {
            PeerChange change = new PeerChange(
                    kind, Peer.newBuilder().setId(4711).setStoreId(12).build());

            RaftCommand back = RaftCommand.decode(ByteBuffer.wrap(new RaftCommand.ChangePeer(EPOCH, change).encode()));

            assertThat(back).isEqualTo(new RaftCommand.ChangePeer(EPOCH, change));
        }
    }

    private static RaftCommand.ChangePeers replaces() {
        return new RaftCommand.ChangePeers(
                EPOCH,
                new PeerChanges(List.of(
                        new PeerChange(
                                PeerChange.Kind.ADD_VOTER,
                                Peer.newBuilder().setId(4711).setStoreId(12).build()),
                        new PeerChange(
                                PeerChange.Kind.REMOVE,
                                Peer.newBuilder().setId(3).setStoreId(1).build()))));
    }

    @Test
    void peerChangesComeBackAsTheyWere() {
        byte[] bytes = replaces().encode();

        assertThat(HexFormat.of().formatHex(bytes)).isEqualTo("0104ac0202" + "02" + "00e7240c" + "020301");
        assertThat(RaftCommand.decode(ByteBuffer.wrap(bytes))).isEqualTo(replaces());
    }

    @Test
    void peerChangesThatAreDamagedAreNotGuessedAt() {
        byte[] none = HexFormat.of().parseHex("0104ac020200");
        byte[] tooMany = HexFormat.of().parseHex("0104ac0202117f");
        byte[] twice = HexFormat.of().parseHex("0104ac020202" + "020301" + "020301");
        byte[] longer = Arrays.copyOf(replaces().encode(), replaces().encode().length + 1);

        for (byte[] damaged : List.of(none, tooMany, twice, longer)) {
            assertThatThrownBy(() -> RaftCommand.decode(ByteBuffer.wrap(damaged)))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void r4_peerChangesCompareVersionAndMembers() {
        assertThat(replaces().fits(EPOCH)).isTrue();
        assertThat(replaces().fits(EPOCH.toBuilder().setConfVer(3).build())).isFalse();
        assertThat(replaces().fits(EPOCH.toBuilder().setVersion(301).build())).isFalse();
    }

    @Test
    void r4_aWriteComparesTheVersionAndAPeerChangeBoth() {
        RegionEpoch otherMembers = EPOCH.toBuilder().setConfVer(3).build();
        RegionEpoch otherRange = EPOCH.toBuilder().setVersion(301).build();
        RaftCommand write = RaftCommand.Write.of(EPOCH, batch());
        RaftCommand change = new RaftCommand.ChangePeer(
                EPOCH,
                new PeerChange(
                        PeerChange.Kind.REMOVE,
                        Peer.newBuilder().setId(1).setStoreId(1).build()));

        assertThat(write.fits(EPOCH)).isTrue();
        assertThat(write.fits(otherMembers)).isTrue();
        assertThat(write.fits(otherRange)).isFalse();
        assertThat(change.fits(EPOCH)).isTrue();
        assertThat(change.fits(otherMembers)).isFalse();
        assertThat(change.fits(otherRange)).isFalse();
    }

    @Test
    void theStepsOfAConsistencyCheckComeBackAndFitEveryEpoch() {
        ByteString hash = ByteString.copyFrom(new byte[RegionHash.BYTES])
                .substring(1)
                .concat(ByteString.copyFrom(new byte[] {7}));
        RaftCommand compute = new RaftCommand.ComputeHash(EPOCH);
        RaftCommand verify = new RaftCommand.VerifyHash(EPOCH, 300, hash);

        assertThat(HEX.formatHex(compute.encode())).isEqualTo("01" + "08" + "ac02" + "02" + "00");
        assertThat(HEX.formatHex(verify.encode()))
                .isEqualTo("01" + "08" + "ac02" + "02" + "01" + "ac02" + "00".repeat(31) + "07");
        for (RaftCommand command : List.of(compute, verify)) {
            assertThat(RaftCommand.decode(ByteBuffer.wrap(command.encode()))).isEqualTo(command);
            assertThat(command.fits(
                            EPOCH.toBuilder().setVersion(301).setConfVer(9).build()))
                    .isTrue();
        }
    }

    @Test
    void whatIsNotKnownIsRefusedAndNotGuessed() {
        for (String hex : List.of(
                "", // nothing
                "01", // no kind
                "020101020000", // a later format
                "01090101", // an unknown kind
                "0101ff", // an epoch that doesn't end
                "010201010905", // a peer change of an unknown kind
                "01020101000105ff", // bytes behind a peer change
                "0102010100ffffffffff0f01", // a peer id beyond 31 bits
                "01080101", // no step of a consistency check
                "0108010109", // an unknown one
                "010801010000", // bytes behind one
                "0108010101050102", // a hash that ends early
                "010801010100" + "11".repeat(32), // a hash of no index
                "010801010105" + "11".repeat(33) // a hash that is too long
                )) {
            assertThatThrownBy(() -> RaftCommand.decode(ByteBuffer.wrap(HEX.parseHex(hex))))
                    .as(hex)
                    .isInstanceOf(IllegalArgumentException.class);
        }
        for (String ops : List.of(
                "06" + "00" + "00", // the store's own column family
                "07" + "00" + "00", // none at all
                "33" + "00", // an unknown operation
                "03" + "05" + "01", // a key that ends early
                "03" + "ffffffffffffffffff01" + "00")) { // a length beyond everything
            RaftCommand.Write write =
                    (RaftCommand.Write) RaftCommand.decode(ByteBuffer.wrap(HEX.parseHex("01010101" + ops)));
            assertThatThrownBy(() -> write.forEach(new Script())).as(ops).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void e1_garbageIsRefusedOrReadButNeverAnythingElse() {
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("RaftCommandTest seed=" + seed);
        Random random = new Random(seed);
        byte[] good = RaftCommand.Write.encode(EPOCH, batch());
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = mutated(random, good);
            try {
                RaftCommand command = RaftCommand.decode(ByteBuffer.wrap(bytes));
                if (command instanceof RaftCommand.Write write) {
                    write.forEach(new Script());
                }
            } catch (IllegalArgumentException expected) {
                assertThat(expected).as("seed %s, round %s", seed, i).hasMessageNotContaining("null");
            }
        }
    }

    private static byte[] mutated(Random random, byte[] good) {
        byte[] bytes;
        if (random.nextBoolean()) {
            bytes = new byte[random.nextInt(64)];
            random.nextBytes(bytes);
        } else {
            bytes = Arrays.copyOf(good, random.nextInt(good.length + 4));
            for (int n = random.nextInt(3); n > 0 && bytes.length > 0; n--) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
            }
        }
        return bytes;
    }

    @Test
    void numbersOfAnySizeComeBack() {
        for (long value : new long[] {0, 1, 127, 128, 300, 1L << 35, Long.MAX_VALUE, -1L, Long.MIN_VALUE}) {
            ByteBuffer out = ByteBuffer.allocate(10);
            Varint.write(out, value);

            assertThat(out.position()).isEqualTo(Varint.sizeBytes(value));
            assertThat(Varint.read(out.flip())).isEqualTo(value);
        }
    }

    // ---- merges

    private static final Region NEIGHBOUR = RegionMergeTest.region(6, "m", "", 5, 2, 1, 2);

    @Test
    void mergesComeBack() {
        for (RaftCommand command : List.of(
                new RaftCommand.PrepareMerge(EPOCH, NEIGHBOUR),
                new RaftCommand.CommitMerge(EPOCH, 1L << 40, NEIGHBOUR),
                new RaftCommand.RollbackMerge(EPOCH, 1L << 40),
                new RaftCommand.CallOffMerge(EPOCH, 300))) {
            byte[] bytes = command.encode();
            byte[] longer = Arrays.copyOf(bytes, bytes.length + 1);

            assertThat(RaftCommand.decode(ByteBuffer.wrap(bytes))).isEqualTo(command);
            assertThatThrownBy(() -> RaftCommand.decode(ByteBuffer.wrap(longer)))
                    .isInstanceOf(IllegalArgumentException.class);
            for (int length = 0; length < bytes.length; length++) {
                byte[] shorter = Arrays.copyOf(bytes, length);
                assertThatThrownBy(() -> RaftCommand.decode(ByteBuffer.wrap(shorter)))
                        .isInstanceOf(IllegalArgumentException.class);
            }
        }
    }

    @Test
    void theBytesOfAMergeNeverChange() {
        assertThat(HEX.formatHex(new RaftCommand.RollbackMerge(EPOCH, 300).encode()))
                .isEqualTo("0107ac0202ac02");
        assertThat(HEX.formatHex(new RaftCommand.CallOffMerge(EPOCH, 5).encode()))
                .isEqualTo("0109ac020205");
        assertThat(HEX.formatHex(new RaftCommand.PrepareMerge(EPOCH, NEIGHBOUR).encode()))
                .startsWith("0105ac0202");
        assertThat(HEX.formatHex(new RaftCommand.CommitMerge(EPOCH, 9, NEIGHBOUR).encode()))
                .startsWith("0106ac020209");
    }

    @Test
    void r4_aMergeComparesBothPartsOfTheEpoch() {
        RegionEpoch members = EPOCH.toBuilder().setConfVer(3).build();
        RegionEpoch range = EPOCH.toBuilder().setVersion(301).build();
        for (RaftCommand command : List.of(
                new RaftCommand.PrepareMerge(EPOCH, NEIGHBOUR),
                new RaftCommand.CommitMerge(EPOCH, 9, NEIGHBOUR),
                new RaftCommand.RollbackMerge(EPOCH, 9),
                new RaftCommand.CallOffMerge(EPOCH, 5))) {
            assertThat(command.fits(EPOCH)).isTrue();
            assertThat(command.fits(members)).isFalse();
            assertThat(command.fits(range)).isFalse();
        }
    }
}
