package io.rutile.pd.meta;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.pd.meta.MetaOutcome.Applied;
import io.rutile.pd.meta.MetaOutcome.Reason;
import io.rutile.pd.meta.MetaOutcome.Refused;
import io.rutile.protocol.keyspacepb.KeyspaceState;
import io.rutile.protocol.metapb.NodeState;
import io.rutile.protocol.metapb.Store;
import io.rutile.protocol.metapb.StoreLabel;
import io.rutile.protocol.metapb.StoreState;
import io.rutile.protocol.pdpb.Member;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class MetaRecordTest {

    private static final Store STORE = Store.newBuilder()
            .setId(4)
            .setAddress("127.0.0.1:20160")
            .setVersion("8.5.0")
            .build();

    static List<MetaRecord> everyRecord() {
        return List.of(
                new MetaRecord.NameCluster(77),
                new MetaRecord.AnnounceMember(
                        Member.newBuilder().setMemberId(2).setName("pd-2").build()),
                new MetaRecord.Bootstrap(STORE),
                new MetaRecord.PutStore(STORE),
                new MetaRecord.ReserveIds(1_000),
                new MetaRecord.SaveTso(1_700_000_000_000L),
                new MetaRecord.SetMaxReplicas(5),
                new GcRecord.AdvanceTxnSafePoint(-2L, 3),
                new GcRecord.AdvanceGcSafePoint(-3L),
                new GcRecord.UpdateGcSafePoint(17, 18),
                new GcRecord.SetBarrier(true, new GcBarrier("backup-é", 5, GcBarrier.NEVER), 9),
                new GcRecord.DeleteBarrier(false, "backup"),
                new KeyspaceRecord.CreateKeyspace("tenant-1", 1_700_000_000L),
                new KeyspaceRecord.ChangeKeyspaceState(7, KeyspaceState.ARCHIVED, 1_700_000_001L),
                new StoreRecord.RemoveStore(4, true),
                new StoreRecord.RestoreStore(4),
                new StoreRecord.BuryStore(4),
                new StoreRecord.ForgetTombstones(),
                new StoreRecord.LabelStore(4, StoreRecord.LabelChange.REPLACE, Map.of("zone", "z1")),
                SettingRecord.ChangeSetting.of(Setting.MAX_STORE_DOWN_TIME, "300000"),
                new SettingRecord.ClearSetting("schedule.max-store-down-time"),
                new StoreRecord.LimitStore(4, StoreRates.Of.REMOVED, 2.5),
                new PlacementRecord.ChangePlacement(3, Map.of("rule/a/b", "{}"), Set.of("rule/a/c")),
                new MemberRecord.AdmitMember(
                        17,
                        3,
                        Member.newBuilder()
                                .setName("pd-4")
                                .addPeerUrls("http://a:1")
                                .build()),
                new MemberRecord.RemoveMember(2),
                new MemberRecord.IdentifyMember(
                        17, Member.newBuilder().setMemberId(4).setName("pd-4").build()));
    }

    @ParameterizedTest
    @MethodSource("everyRecord")
    void recordSurvivesItsBytes(MetaRecord record) throws IOException {
        assertThat(MetaRecord.decode(record.encode())).isEqualTo(record);
    }

    @Test
    void bytesOfNoRecordAreRefused() {
        assertThatThrownBy(() -> MetaRecord.decode(new byte[0])).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> MetaRecord.decode(new byte[] {99, 1, 2}))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("unknown type 99");
        assertThatThrownBy(() -> MetaRecord.decode(new byte[] {MetaRecord.SaveTso.TYPE, 1}))
                .isInstanceOf(IOException.class);
        assertThatThrownBy(() -> MetaRecord.decode(new byte[] {MetaRecord.ReserveIds.TYPE, 0, 0, 0, 0}))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("damaged");
        assertThatThrownBy(() -> MetaRecord.decode(new byte[] {GcRecord.SetBarrier.TYPE, 1, 0, 0}))
                .isInstanceOf(IOException.class);
        assertThatThrownBy(() -> MetaRecord.decode(
                        new byte[] {KeyspaceRecord.ChangeKeyspaceState.TYPE, 0, 0, 0, 1, 99, 0, 0, 0, 0, 0, 0, 0, 0}))
                .isInstanceOf(IOException.class);
        assertThatThrownBy(() -> MetaRecord.decode(
                        new byte[] {StoreRecord.LabelStore.TYPE, 0, 0, 0, 0, 0, 0, 0, 4, 3, 0, 0, 0, 0}))
                .isInstanceOf(IOException.class);
    }

    @Test
    void clusterKeepsItsFirstName() {
        MetaState named = after(MetaState.EMPTY, new MetaRecord.NameCluster(7));

        MetaRecord.Transition second = new MetaRecord.NameCluster(8).applyTo(named);

        assertThat(second.state().clusterId()).isEqualTo(7);
        assertThat(second.outcome()).isEqualTo(new Applied(7));
    }

    @Test
    void secondBootstrapIsRefused() {
        MetaState bootstrapped = after(MetaState.EMPTY, new MetaRecord.Bootstrap(STORE));

        MetaRecord.Transition second =
                new MetaRecord.Bootstrap(STORE.toBuilder().setId(9).build()).applyTo(bootstrapped);

        assertThat(second.state()).isSameAs(bootstrapped);
        assertThat(reason(second)).isEqualTo(Reason.ALREADY_BOOTSTRAPPED);
        assertThat(bootstrapped.store(4))
                .isNotNull()
                .extracting(Store::getNodeState)
                .isEqualTo(NodeState.Serving);
    }

    @Test
    void windowsOfIdsNeverOverlapT2() {
        MetaRecord.Transition first = new MetaRecord.ReserveIds(100).applyTo(MetaState.EMPTY);
        MetaRecord.Transition second = new MetaRecord.ReserveIds(5).applyTo(first.state());

        assertThat(first.outcome()).isEqualTo(new Applied(100));
        assertThat(second.outcome()).isEqualTo(new Applied(105));
    }

    @Test
    void idsEndWherePeerIdsEnd() {
        MetaState nearly = MetaState.EMPTY.withIdsReserved(Integer.MAX_VALUE - 3);

        assertThat(new MetaRecord.ReserveIds(3).applyTo(nearly).outcome()).isEqualTo(new Applied(Integer.MAX_VALUE));
        assertThat(reason(new MetaRecord.ReserveIds(4).applyTo(nearly))).isEqualTo(Reason.EXHAUSTED);
    }

    @Test
    void savedBoundNeverGoesBackT1() {
        MetaState saved = after(MetaState.EMPTY, new MetaRecord.SaveTso(5_000));

        assertThat(after(saved, new MetaRecord.SaveTso(4_000)).tsoSavedMs()).isEqualTo(5_000);
        assertThat(after(saved, new MetaRecord.SaveTso(6_000)).tsoSavedMs()).isEqualTo(6_000);
    }

    @Test
    void d16AddressBelongsToOneLivingStore() {
        Store a = store(1, "a:1");
        Store gone = store(3, "c:1").toBuilder().setState(StoreState.Tombstone).build();
        MetaState state = after(MetaState.EMPTY, new MetaRecord.Bootstrap(a)).withStore(gone);

        assertThat(reason(put(state, store(9, "a:1")))).isEqualTo(Reason.DUPLICATE_ADDRESS);
        assertThat(put(state, store(10, "c:1")).outcome()).isInstanceOf(Applied.class);
        assertThat(put(state, a).outcome()).isInstanceOf(Applied.class);
        assertThat(reason(put(state, gone))).isEqualTo(Reason.STORE_TOMBSTONE);
    }

    @Test
    void peerAddressCollidesToo() {
        Store first = store(1, "a:1").toBuilder().setPeerAddress("a:2").build();
        MetaState state = after(MetaState.EMPTY, new MetaRecord.Bootstrap(first));

        MetaRecord.Transition refused =
                put(state, store(2, "b:1").toBuilder().setPeerAddress("a:2").build());

        assertThat(reason(refused)).isEqualTo(Reason.DUPLICATE_ADDRESS);
    }

    @Test
    void storeThatComesBackKeepsItsStateAndMergesItsLabels() {
        Store leaving = store(1, "a:1").toBuilder()
                .setState(StoreState.Offline)
                .setNodeState(NodeState.Removing)
                .addLabels(label("zone", "z1"))
                .addLabels(label("disk", "ssd"))
                .build();
        MetaState state = MetaState.EMPTY.withStore(leaving);

        Store back = put(
                        state,
                        store(1, "a:9").toBuilder()
                                .addLabels(label("zone", "z2"))
                                .build())
                .state()
                .store(1);

        assertThat(back).isNotNull();
        assertThat(back.getAddress()).isEqualTo("a:9");
        assertThat(back.getState()).isEqualTo(StoreState.Offline);
        assertThat(back.getNodeState()).isEqualTo(NodeState.Removing);
        assertThat(back.getLabelsList()).containsExactlyInAnyOrder(label("zone", "z2"), label("disk", "ssd"));
    }

    @Test
    void storeWithABadEngineLabelOrVersionIsRefused() {
        MetaState state = after(MetaState.EMPTY, new MetaRecord.Bootstrap(store(1, "a:1")));

        assertThat(reason(put(
                        state,
                        store(2, "b:1").toBuilder()
                                .addLabels(label("engine", "steam"))
                                .build())))
                .isEqualTo(Reason.INVALID_VALUE);
        assertThat(reason(put(
                        state, store(2, "b:1").toBuilder().setVersion("soon").build())))
                .isEqualTo(Reason.INCOMPATIBLE_VERSION);
        assertThat(reason(put(
                        state, store(2, "b:1").toBuilder().setVersion("7.1.0").build())))
                .isEqualTo(Reason.INCOMPATIBLE_VERSION);
        assertThat(put(state, store(2, "b:1").toBuilder().setVersion("9.0.0").build())
                        .outcome())
                .isInstanceOf(Applied.class);
    }

    @Test
    void clusterVersionIsTheLowestOfItsStoresAndNeverFalls() {
        MetaState one = after(MetaState.EMPTY, new MetaRecord.Bootstrap(store(1, "a:1")));
        assertThat(one.clusterVersion()).hasToString("8.5.0");

        MetaState mixed = put(
                        one, store(2, "b:1").toBuilder().setVersion("8.6.1").build())
                .state();
        assertThat(mixed.clusterVersion()).hasToString("8.5.0");

        MetaState upgraded = put(
                        mixed, store(1, "a:1").toBuilder().setVersion("8.6.0").build())
                .state();
        assertThat(upgraded.clusterVersion()).hasToString("8.6.0");
    }

    @Test
    void replicaCountOutsideItsRangeIsRefused() {
        assertThat(reason(new MetaRecord.SetMaxReplicas(0).applyTo(MetaState.EMPTY)))
                .isEqualTo(Reason.INVALID_VALUE);
        assertThat(reason(new MetaRecord.SetMaxReplicas(10).applyTo(MetaState.EMPTY)))
                .isEqualTo(Reason.INVALID_VALUE);
        assertThat(after(MetaState.EMPTY, new MetaRecord.SetMaxReplicas(5)).maxReplicas())
                .isEqualTo(5);
    }

    private static MetaState after(MetaState state, MetaRecord record) {
        return record.applyTo(state).state();
    }

    private static MetaRecord.Transition put(MetaState state, Store store) {
        return new MetaRecord.PutStore(store).applyTo(state);
    }

    private static Reason reason(MetaRecord.Transition transition) {
        assertThat(transition.outcome()).isInstanceOf(Refused.class);
        return ((Refused) transition.outcome()).reason();
    }

    private static Store store(long id, String address) {
        return Store.newBuilder()
                .setId(id)
                .setAddress(address)
                .setVersion("8.5.0")
                .build();
    }

    private static StoreLabel label(String key, String value) {
        return StoreLabel.newBuilder().setKey(key).setValue(value).build();
    }
}
