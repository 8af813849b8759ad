package io.rutile.node.raftstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.RegionEpoch;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.SstFile;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a store writes down about its replicas comes back, or is refused. */
class RegionRecordsTest {

    static final Region REGION = Region.newBuilder()
            .setId(5)
            .setStartKey(ByteString.copyFromUtf8("b"))
            .setRegionEpoch(RegionEpoch.newBuilder().setConfVer(3).setVersion(7))
            .addPeers(Peer.newBuilder().setId(11).setStoreId(1))
            .build();

    @Test
    void aRegionStateComesBackInEveryStatus() {
        for (RegionState.Status status : RegionState.Status.values()) {
            RegionState state = new RegionState(status, 11, REGION);

            assertThat(RegionState.decode(state.encode())).isEqualTo(state);
        }
    }

    @Test
    void aDamagedRegionStateIsRefused() {
        byte[] good = RegionState.normal(11, REGION).encode();
        byte[] otherFormat = good.clone();
        otherFormat[0] = 3;
        byte[] unknownStatus = good.clone();
        unknownStatus[1] = 9;
        byte[] damaged = good.clone();
        damaged[12] = (byte) 0xff;

        for (byte[] bad : List.of(new byte[0], new byte[3], otherFormat, unknownStatus, damaged)) {
            assertThatThrownBy(() -> RegionState.decode(bad)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void aReplicaKnowsWhetherItsRegionStillHasIt() {
        assertThat(RegionState.normal(11, REGION).isMember()).isTrue();
        assertThat(RegionState.normal(12, REGION).isMember()).isFalse();
    }

    @Test
    void anIdentityComesBack() {
        StoreIdentity identity = new StoreIdentity(-1L, 4);

        assertThat(StoreIdentity.decode(identity.encode())).isEqualTo(identity);
        assertThatThrownBy(() -> StoreIdentity.decode(new byte[4])).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new StoreIdentity(1, 0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void anImageManifestComesBack() throws IOException {
        ImageManifest manifest = new ImageManifest(
                REGION,
                null,
                4711,
                List.of(new SstFile(
                        Cf.RAW, "raw-0.sst", 99, -5, ByteKey.wrap(new byte[] {1}), ByteKey.wrap(new byte[] {1, 2}))));

        assertThat(ImageManifest.decode(manifest.encode())).isEqualTo(manifest);
        ImageManifest merging = new ImageManifest(REGION, new RegionMerge(REGION, 99, true), 4711, manifest.tables());
        assertThat(ImageManifest.decode(merging.encode())).isEqualTo(merging);
    }

    @Test
    void aStateWithAMergeComesBack() {
        RegionState merging = RegionState.normal(11, REGION).with(new RegionMerge(REGION, 99, false));
        for (RegionState state : List.of(
                merging, merging.with(RegionState.Status.MERGED), merging.with(new RegionMerge(REGION, 99, true)))) {
            assertThat(RegionState.decode(state.encode())).isEqualTo(state);
        }
        byte[] good = merging.encode();
        for (int length = 0; length < good.length - REGION.getSerializedSize(); length++) {
            byte[] cut = Arrays.copyOf(good, length);
            assertThatThrownBy(() -> RegionState.decode(cut)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void onlyARegionThatEndedIsMerged() {
        RegionState merging = RegionState.normal(11, REGION).with(new RegionMerge(REGION, 99, false));

        assertThat(merging.isMerging()).isTrue();
        assertThat(merging.isMerged()).isFalse();
        assertThat(merging.with(RegionState.Status.MERGED).isMerging()).isFalse();
        assertThat(merging.with(RegionState.Status.TOMBSTONE).isMerged()).isTrue();
        assertThat(RegionState.normal(11, REGION)
                        .with(RegionState.Status.TOMBSTONE)
                        .isMerged())
                .isFalse();
    }

    @Test
    void everyFlippedBitOfAnImageManifestIsNoticed() {
        byte[] good = new ImageManifest(REGION, null, 4711, List.of()).encode();

        for (int bit = 0; bit < good.length * 8; bit++) {
            byte[] bad = good.clone();
            bad[bit / 8] ^= (byte) (1 << bit % 8);
            assertThatThrownBy(() -> ImageManifest.decode(bad)).isInstanceOf(IOException.class);
        }
        assertThatThrownBy(() -> ImageManifest.decode(new byte[0])).isInstanceOf(IOException.class);
    }
}
