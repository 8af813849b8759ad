package io.rutile.pd.meta;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.protocol.metapb.Store;
import io.rutile.protocol.pdpb.Member;
import io.rutile.raft.CommittedEntries;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetaStateMachineTest {

    @TempDir
    Path directory;

    @Test
    void stateComesBackAsOfTheLastPersist() throws IOException {
        LocalMeta meta = filled(directory);
        meta.stateMachine().persist();
        MetaState persisted = meta.state();
        meta.propose(new MetaRecord.SetMaxReplicas(7));

        MetaState loaded = LocalMeta.in(directory).state();

        assertThat(loaded).isEqualTo(persisted);
        assertThat(loaded.appliedIndex()).isEqualTo(meta.state().appliedIndex() - 1);
    }

    @Test
    void freshStateBeginsWhereTheLogDoes() {
        assertThat(LocalMeta.in(directory).stateMachine().appliedIndex()).isEqualTo(MetaState.FIRST_INDEX);
    }

    @Test
    void imageMovesTheWholeStateToAnotherMember() throws IOException {
        LocalMeta meta = filled(directory.resolve("one"));
        Path image = Files.createDirectories(directory.resolve("image"));
        long index = meta.stateMachine().writeImage(image);

        LocalMeta other = LocalMeta.in(directory.resolve("other"));
        other.propose(new MetaRecord.NameCluster(1));
        other.stateMachine().installImage(image);

        assertThat(index).isEqualTo(meta.state().appliedIndex());
        assertThat(other.state()).isEqualTo(meta.state());
        assertThat(LocalMeta.in(directory.resolve("other")).state()).isEqualTo(meta.state());
    }

    @Test
    void imageOfTheFirstLayoutIsStillRead() throws IOException {
        // As it was written before there were safe points and keyspaces: bootstrapped, cluster 42, without stores.
        byte[] body = HexFormat.of()
                .parseHex("0000000000000009" + "000000000000002a" + "01" + "00000000000003e8" + "0000018bcfe56800"
                        + "0005" + "382e352e30" + "00000003" + "00000000" + "00000000");
        CRC32C crc = new CRC32C();
        crc.update(body);
        Files.write(
                directory.resolve(MetaImage.FILE_NAME),
                ByteBuffer.allocate(16 + body.length)
                        .putLong(0x52_55_54_50_44_4d_00_01L)
                        .putInt(body.length)
                        .put(body)
                        .putInt((int) crc.getValue())
                        .array());

        LocalMeta meta = LocalMeta.in(directory);

        assertThat(meta.state().clusterId()).isEqualTo(42);
        assertThat(meta.state().idsReserved()).isEqualTo(1_000);
        assertThat(meta.state().gc()).isEqualTo(GcState.EMPTY);
        assertThat(meta.state().keyspaces().named("DEFAULT")).isPresent();
        meta.stateMachine().persist();
        assertThat(LocalMeta.in(directory).state()).isEqualTo(meta.state());
    }

    @Test
    void damagedImageIsRefusedAndChangesNothing() throws IOException {
        LocalMeta meta = filled(directory.resolve("one"));
        Path image = Files.createDirectories(directory.resolve("image"));
        meta.stateMachine().writeImage(image);
        Path file = image.resolve(MetaImage.FILE_NAME);
        byte[] whole = Files.readAllBytes(file);

        for (int damaged = 0; damaged < whole.length; damaged++) {
            byte[] bytes = whole.clone();
            bytes[damaged] ^= 0x40;
            Files.write(file, bytes);
            assertThatThrownBy(() -> meta.stateMachine().installImage(image))
                    .as("byte %d", damaged)
                    .isInstanceOf(IOException.class);
        }
        Files.write(file, Arrays.copyOf(whole, whole.length - 1));
        assertThatThrownBy(() -> meta.stateMachine().installImage(image)).isInstanceOf(IOException.class);
        assertThat(meta.state().clusterId()).isEqualTo(42);
    }

    @Test
    void damagedImageKeepsAMemberFromStarting() throws IOException {
        LocalMeta meta = filled(directory);
        meta.stateMachine().persist();
        Files.writeString(directory.resolve(MetaImage.FILE_NAME), "not an image");

        assertThatThrownBy(() -> LocalMeta.in(directory))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining(MetaImage.FILE_NAME);
    }

    @Test
    void unknownRecordStopsTheMemberInsteadOfBeingSkipped() {
        LocalMeta meta = LocalMeta.in(directory);
        MetaRecord.SaveTso known = new MetaRecord.SaveTso(5);

        assertThatThrownBy(() -> meta.stateMachine().apply(new OneEntryOf(new byte[] {99})))
                .isInstanceOf(UncheckedIOException.class);
        assertThat(meta.propose(known)).isEqualTo(MetaOutcome.DONE);
    }

    private static LocalMeta filled(Path directory) {
        LocalMeta meta = LocalMeta.in(directory);
        meta.propose(new MetaRecord.NameCluster(42));
        meta.propose(new MetaRecord.Bootstrap(Store.newBuilder()
                .setId(1)
                .setAddress("127.0.0.1:20160")
                .setVersion("8.5.0")
                .build()));
        meta.propose(new MetaRecord.AnnounceMember(Member.newBuilder()
                .setMemberId(1)
                .setName("pd-1")
                .addClientUrls("http://127.0.0.1:2379")
                .build()));
        meta.propose(new MetaRecord.ReserveIds(1_000));
        meta.propose(new MetaRecord.SaveTso(1_700_000_000_000L));
        meta.propose(new GcRecord.AdvanceTxnSafePoint(20, 1));
        meta.propose(new GcRecord.AdvanceGcSafePoint(10));
        meta.propose(new GcRecord.SetBarrier(false, new GcBarrier("backup", 30, 5_000), 1));
        meta.propose(new GcRecord.SetBarrier(true, new GcBarrier("all", 40, GcBarrier.NEVER), 1));
        meta.propose(new KeyspaceRecord.CreateKeyspace("tenant", 7));
        meta.propose(new StoreRecord.RemoveStore(1, true));
        meta.propose(new StoreRecord.BuryStore(1));
        meta.propose(new StoreRecord.ForgetTombstones());
        meta.propose(SettingRecord.ChangeSetting.of(Setting.MAX_STORE_DOWN_TIME, "300000"));
        meta.propose(new StoreRecord.LimitStore(StoreRates.EVERY, StoreRates.Of.ADDED, 7));
        meta.propose(new PlacementRecord.ChangePlacement(0, Map.of("rule/a/b", "{}"), Set.of()));
        meta.propose(new MemberRecord.AdmitMember(
                17,
                3,
                Member.newBuilder().setName("pd-4").addPeerUrls("http://a:1").build()));
        meta.propose(new MemberRecord.RemoveMember(2));
        return meta;
    }

    /** One entry with any bytes. */
    private static final class OneEntryOf implements CommittedEntries<MetaOutcome> {
        private final byte[] bytes;
        private boolean begun;

        private OneEntryOf(byte[] bytes) {
            this.bytes = bytes;
        }

        @Override
        public boolean next() {
            boolean first = !begun;
            begun = true;
            return first;
        }

        @Override
        public long index() {
            return 2;
        }

        @Override
        public long term() {
            return 1;
        }

        @Override
        public ByteBuffer data() {
            return ByteBuffer.wrap(bytes);
        }

        @Override
        public void complete(MetaOutcome outcome) {}
    }
}
