package io.rutile.pd.meta;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.pd.meta.MetaOutcome.Applied;
import io.rutile.pd.meta.MetaOutcome.Reason;
import io.rutile.pd.meta.MetaOutcome.Refused;
import io.rutile.pd.meta.StoreRates.Of;
import io.rutile.pd.meta.StoreRecord.BuryStore;
import io.rutile.pd.meta.StoreRecord.ForgetTombstones;
import io.rutile.pd.meta.StoreRecord.LabelChange;
import io.rutile.pd.meta.StoreRecord.LabelStore;
import io.rutile.pd.meta.StoreRecord.RemoveStore;
import io.rutile.pd.meta.StoreRecord.RestoreStore;
import io.rutile.protocol.metapb.NodeState;
import io.rutile.protocol.metapb.Store;
import io.rutile.protocol.metapb.StoreState;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A store's life: which step leads where, and which is refused. */
class StoreRecordTest {

    private static final long ID = 1;

    /** What a store may be. */
    private enum Life {
        UNKNOWN,
        UP,
        OFFLINE,
        DESTROYED,
        TOMBSTONE,
        FORGOTTEN
    }

    static Stream<Arguments> steps() {
        MetaRecord remove = new RemoveStore(ID, false);
        MetaRecord destroy = new RemoveStore(ID, true);
        MetaRecord restore = new RestoreStore(ID);
        MetaRecord bury = new BuryStore(ID);
        MetaRecord label = new LabelStore(ID, LabelChange.MERGE, Map.of("zone", "z1"));
        MetaRecord put = new MetaRecord.PutStore(store(ID));
        MetaRecord forget = new ForgetTombstones();
        return Stream.of(
                Arguments.of(Life.UP, remove, Life.OFFLINE, null),
                Arguments.of(Life.UP, destroy, Life.DESTROYED, null),
                Arguments.of(Life.UP, restore, Life.UP, null),
                Arguments.of(Life.UP, bury, Life.UP, Reason.STORE_UP),
                Arguments.of(Life.UP, label, Life.UP, null),
                Arguments.of(Life.UP, put, Life.UP, null),
                Arguments.of(Life.UP, forget, Life.UP, null),
                Arguments.of(Life.OFFLINE, remove, Life.OFFLINE, null),
                Arguments.of(Life.OFFLINE, destroy, Life.DESTROYED, null),
                Arguments.of(Life.OFFLINE, restore, Life.UP, null),
                Arguments.of(Life.OFFLINE, bury, Life.TOMBSTONE, null),
                Arguments.of(Life.OFFLINE, put, Life.OFFLINE, null),
                Arguments.of(Life.OFFLINE, label, Life.OFFLINE, null),
                Arguments.of(Life.DESTROYED, remove, Life.DESTROYED, null),
                Arguments.of(Life.DESTROYED, destroy, Life.DESTROYED, null),
                Arguments.of(Life.DESTROYED, restore, Life.DESTROYED, Reason.STORE_DESTROYED),
                Arguments.of(Life.DESTROYED, put, Life.DESTROYED, Reason.STORE_DESTROYED),
                Arguments.of(Life.DESTROYED, bury, Life.TOMBSTONE, null),
                Arguments.of(Life.TOMBSTONE, remove, Life.TOMBSTONE, Reason.STORE_TOMBSTONE),
                Arguments.of(Life.TOMBSTONE, destroy, Life.TOMBSTONE, Reason.STORE_TOMBSTONE),
                Arguments.of(Life.TOMBSTONE, restore, Life.TOMBSTONE, Reason.STORE_TOMBSTONE),
                Arguments.of(Life.TOMBSTONE, label, Life.TOMBSTONE, Reason.STORE_TOMBSTONE),
                Arguments.of(Life.TOMBSTONE, put, Life.TOMBSTONE, Reason.STORE_TOMBSTONE),
                Arguments.of(Life.TOMBSTONE, bury, Life.TOMBSTONE, null),
                Arguments.of(Life.TOMBSTONE, forget, Life.FORGOTTEN, null),
                Arguments.of(Life.FORGOTTEN, put, Life.FORGOTTEN, Reason.STORE_TOMBSTONE),
                Arguments.of(Life.FORGOTTEN, remove, Life.FORGOTTEN, Reason.NOT_FOUND),
                Arguments.of(Life.FORGOTTEN, restore, Life.FORGOTTEN, Reason.NOT_FOUND),
                Arguments.of(Life.FORGOTTEN, bury, Life.FORGOTTEN, Reason.NOT_FOUND),
                Arguments.of(Life.UNKNOWN, remove, Life.UNKNOWN, Reason.NOT_FOUND),
                Arguments.of(Life.UNKNOWN, restore, Life.UNKNOWN, Reason.NOT_FOUND),
                Arguments.of(Life.UNKNOWN, bury, Life.UNKNOWN, Reason.NOT_FOUND),
                Arguments.of(Life.UNKNOWN, label, Life.UNKNOWN, Reason.NOT_FOUND),
                Arguments.of(Life.UNKNOWN, put, Life.UP, null));
    }

    @ParameterizedTest(name = "{0}: {1} leads to {2}, refusal {3}")
    @MethodSource("steps")
    void stepLeadsThereOrIsRefused(Life from, MetaRecord step, Life to, @Nullable Reason refusal) {
        MetaState before = state(from);

        MetaRecord.Transition transition = step.applyTo(before);

        assertThat(life(transition.state())).isEqualTo(to);
        if (refusal == null) {
            assertThat(transition.outcome()).isInstanceOf(Applied.class);
        } else {
            assertThat(transition.outcome())
                    .isInstanceOfSatisfying(
                            Refused.class,
                            refused -> assertThat(refused.reason()).isEqualTo(refusal));
            assertThat(transition.state()).isSameAs(before);
        }
    }

    @Test
    void storeThatRegionsNeedIsNotEmptied() {
        // Two others would be left, and Regions want three replicas.
        MetaState three = without(state(Life.UP).withStore(up(2)).withStore(up(3)), 4);

        MetaRecord.Transition refused = new RemoveStore(2, false).applyTo(three);

        assertThat(refused.outcome()).isInstanceOfSatisfying(Refused.class, because -> {
            assertThat(because.reason()).isEqualTo(Reason.STORES_NOT_ENOUGH);
            assertThat(because.message())
                    .isEqualTo("store 2 cannot be emptied: 2 other stores are up, and regions need 3; "
                            + "add a store or lower max-replicas first");
        });
        // What is lost is lost, whoever is left.
        assertThat(new RemoveStore(2, true).applyTo(three).outcome()).isInstanceOf(Applied.class);
    }

    @Test
    void addressOfADestroyedStoreIsFreeAtOnceAndThatOfALeavingOneIsNot() {
        Store newcomer = store(9).toBuilder().setAddress(store(ID).getAddress()).build();

        assertThat(new MetaRecord.PutStore(newcomer)
                        .applyTo(state(Life.OFFLINE))
                        .outcome())
                .isInstanceOfSatisfying(
                        Refused.class, refused -> assertThat(refused.reason()).isEqualTo(Reason.DUPLICATE_ADDRESS));
        for (Life gone : new Life[] {Life.DESTROYED, Life.TOMBSTONE, Life.FORGOTTEN}) {
            assertThat(new MetaRecord.PutStore(newcomer).applyTo(state(gone)).outcome())
                    .as("%s", gone)
                    .isInstanceOf(Applied.class);
        }
    }

    @Test
    void changedAddressOfALivingStoreIsTakenOver() {
        Store moved = store(ID).toBuilder().setAddress("elsewhere:1").build();

        MetaState after = new MetaRecord.PutStore(moved).applyTo(state(Life.UP)).state();

        assertThat(Objects.requireNonNull(after.store(ID)).getAddress()).isEqualTo("elsewhere:1");
    }

    @Test
    void labelsAreMergedReplacedAndDeleted() {
        MetaState state = label(state(Life.UP), LabelChange.MERGE, Map.of("zone", "z1", "disk", "ssd"));
        assertThat(labels(state)).isEqualTo(Map.of("zone", "z1", "disk", "ssd"));

        state = label(state, LabelChange.MERGE, Map.of("zone", "z2"));
        assertThat(labels(state)).isEqualTo(Map.of("zone", "z2", "disk", "ssd"));

        state = label(state, LabelChange.DELETE, Map.of("disk", ""));
        assertThat(labels(state)).isEqualTo(Map.of("zone", "z2"));

        state = label(state, LabelChange.REPLACE, Map.of("rack", "r1"));
        assertThat(labels(state)).isEqualTo(Map.of("rack", "r1"));
    }

    @Test
    void labelsThatCannotBeAreRefused() {
        Map<String, String> many = new HashMap<>();
        for (int i = 0; i <= StoreRecord.LABELS_MAX; i++) {
            many.put("k" + i, "v");
        }
        for (Map<String, String> labels :
                List.of(Map.of("", "x"), Map.of("a b", "x"), Map.of("zone", "z 1"), Map.of("engine", "steam"), many)) {
            assertThat(new LabelStore(ID, LabelChange.MERGE, labels)
                            .applyTo(state(Life.UP))
                            .outcome())
                    .as("%s", labels)
                    .isInstanceOfSatisfying(
                            Refused.class,
                            refused -> assertThat(refused.reason()).isEqualTo(Reason.INVALID_VALUE));
        }
        assertThat(new LabelStore(ID, LabelChange.DELETE, Map.of("none", ""))
                        .applyTo(state(Life.UP))
                        .outcome())
                .isInstanceOfSatisfying(
                        Refused.class, refused -> assertThat(refused.reason()).isEqualTo(Reason.NOT_FOUND));
    }

    @Test
    void settingIsKeptWhetherItIsKnownOrNot() {
        MetaState state = new SettingRecord.ChangeSetting("schedule.of-a-newer-version", "5")
                .applyTo(MetaState.EMPTY)
                .state();

        assertThat(state.settings()).containsEntry("schedule.of-a-newer-version", "5");
        assertThat(state.duration(Setting.MAX_STORE_DOWN_TIME)).isEmpty();
    }

    @Test
    void settingThatMakesNoSenseHereIsKeptAndPassedOver() {
        MetaState state = new SettingRecord.ChangeSetting("schedule.merge-schedule-limit", "plenty")
                .applyTo(MetaState.EMPTY)
                .state();

        assertThat(state.settings()).hasSize(1);
        assertThat(state.value(Setting.MERGE_SCHEDULE_LIMIT)).isEmpty();
        assertThat(new SettingRecord.ClearSetting("schedule.merge-schedule-limit")
                        .applyTo(state)
                        .state()
                        .settings())
                .isEmpty();
    }

    @Test
    void limitOfAllStoresTakesThePlaceOfThoseOfSingleOnes() {
        MetaState state = state(Life.UP);
        state = new StoreRecord.LimitStore(ID, Of.ADDED, 3).applyTo(state).state();
        state = new StoreRecord.LimitStore(ID, Of.REMOVED, 4).applyTo(state).state();

        state = new StoreRecord.LimitStore(StoreRates.EVERY, Of.ADDED, 5)
                .applyTo(state)
                .state();

        assertThat(state.rates().added()).containsExactly(Map.entry(StoreRates.EVERY, 5.0));
        assertThat(state.rates().removed()).containsExactly(Map.entry(ID, 4.0));
        assertThat(new StoreRecord.LimitStore(99, Of.ADDED, 3).applyTo(state).outcome())
                .isInstanceOfSatisfying(
                        Refused.class, refused -> assertThat(refused.reason()).isEqualTo(Reason.NOT_FOUND));
    }

    /** Enough other stores that one can go. */
    private static MetaState state(Life life) {
        MetaState others = MetaState.EMPTY.withBootstrapped();
        for (long id = 4; id <= 6; id++) {
            others = others.withStore(up(id));
        }
        return switch (life) {
            case UNKNOWN -> others;
            case UP -> others.withStore(up(ID));
            case OFFLINE -> after(others.withStore(up(ID)), new RemoveStore(ID, false));
            case DESTROYED -> after(others.withStore(up(ID)), new RemoveStore(ID, true));
            case TOMBSTONE -> after(state(Life.OFFLINE), new BuryStore(ID));
            case FORGOTTEN -> after(state(Life.TOMBSTONE), new ForgetTombstones());
        };
    }

    private static Life life(MetaState state) {
        Store store = state.store(ID);
        if (store == null) {
            return state.forgottenStores().contains(ID) ? Life.FORGOTTEN : Life.UNKNOWN;
        }
        return switch (store.getState()) {
            case Up -> {
                assertThat(store.getNodeState()).isEqualTo(NodeState.Serving);
                yield Life.UP;
            }
            case Offline -> {
                assertThat(store.getNodeState()).isEqualTo(NodeState.Removing);
                yield store.getPhysicallyDestroyed() ? Life.DESTROYED : Life.OFFLINE;
            }
            default -> {
                assertThat(store.getNodeState()).isEqualTo(NodeState.Removed);
                yield Life.TOMBSTONE;
            }
        };
    }

    private static MetaState without(MetaState state, long from) {
        MetaState left = state;
        for (long id = from; id <= 6; id++) {
            left = left.withStore(up(id).toBuilder()
                    .setState(StoreState.Tombstone)
                    .setNodeState(NodeState.Removed)
                    .build());
        }
        return left;
    }

    private static MetaState after(MetaState state, MetaRecord record) {
        return record.applyTo(state).state();
    }

    private static MetaState label(MetaState state, LabelChange change, Map<String, String> labels) {
        return after(state, new LabelStore(ID, change, labels));
    }

    private static Map<String, String> labels(MetaState state) {
        Map<String, String> labels = new HashMap<>();
        Objects.requireNonNull(state.store(ID))
                .getLabelsList()
                .forEach(label -> labels.put(label.getKey(), label.getValue()));
        return labels;
    }

    private static Store up(long id) {
        return store(id).toBuilder()
                .setState(StoreState.Up)
                .setNodeState(NodeState.Serving)
                .build();
    }

    private static Store store(long id) {
        return Store.newBuilder()
                .setId(id)
                .setAddress("127.0.0.1:" + (20_000 + id))
                .setVersion("8.5.0")
                .build();
    }
}
