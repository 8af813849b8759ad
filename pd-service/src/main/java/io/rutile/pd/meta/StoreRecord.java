package io.rutile.pd.meta;

import io.rutile.pd.meta.MetaOutcome.Reason;
import io.rutile.protocol.metapb.NodeState;
import io.rutile.protocol.metapb.Store;
import io.rutile.protocol.metapb.StoreLabel;
import io.rutile.protocol.metapb.StoreState;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * Decisions about a store's life: Up, then Offline while its replicas move away, then Tombstone; and what people say about it.
 *
 * <pre>
 * Up ⇄ Offline → Tombstone → forgotten (its id never comes back)
 * record := type (1) body            docs/formats/pd-meta.md
 * </pre>
 */
public sealed interface StoreRecord extends MetaRecord {

    /** Labels of one store. */
    int LABELS_MAX = 32;

    /** Whether a label may be called that. */
    static boolean isLabelKey(String text) {
        return text.length() <= 64 && Pattern.matches("[$]?[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?", text);
    }

    /** Whether a label may have that value. */
    static boolean isLabelValue(String text) {
        return text.length() <= 256 && Pattern.matches("[-A-Za-z0-9_./:]*", text);
    }

    /**
     * The store is to be emptied. Done once: repeated it changes nothing, except that {@code destroyed} can still be said.
     *
     * @param destroyed its data is lost and it never comes back under this id; its address is free at once
     */
    record RemoveStore(long storeId, boolean destroyed) implements StoreRecord {

        static final byte TYPE = 0x20;

        @Override
        public Transition applyTo(MetaState state) {
            Store store = state.store(storeId);
            if (store == null) {
                return unknown(state, storeId);
            }
            if (store.getState() == StoreState.Tombstone) {
                return removed(state, storeId);
            }
            if (store.getState() == StoreState.Offline && (store.getPhysicallyDestroyed() || !destroyed)) {
                return Transition.done(state);
            }
            if (store.getState() == StoreState.Up && !destroyed) {
                long left = state.livingStores().stream()
                        .filter(other -> other.getId() != storeId && other.getState() == StoreState.Up)
                        .count();
                if (left < state.maxReplicas()) {
                    return Transition.refused(
                            state,
                            Reason.STORES_NOT_ENOUGH,
                            "store " + storeId + " cannot be emptied: " + left
                                    + " other stores are up, and regions need " + state.maxReplicas()
                                    + "; add a store or lower max-replicas first");
                }
            }
            return Transition.done(state.withStore(store.toBuilder()
                    .setState(StoreState.Offline)
                    .setNodeState(NodeState.Removing)
                    .setPhysicallyDestroyed(destroyed)
                    .build()));
        }

        @Override
        public void writeTo(DataOutputStream out) throws IOException {
            out.writeLong(storeId);
            out.writeBoolean(destroyed);
        }

        @Override
        public byte type() {
            return TYPE;
        }
    }

    /** A store that is being emptied stays after all. */
    record RestoreStore(long storeId) implements StoreRecord {

        static final byte TYPE = 0x21;

        @Override
        public Transition applyTo(MetaState state) {
            Store store = state.store(storeId);
            if (store == null) {
                return unknown(state, storeId);
            }
            if (store.getState() == StoreState.Tombstone) {
                return removed(state, storeId);
            }
            if (store.getPhysicallyDestroyed()) {
                return Transition.refused(
                        state,
                        Reason.STORE_DESTROYED,
                        "store " + storeId + " was said to be physically destroyed and cannot come back");
            }
            return Transition.done(store.getState() == StoreState.Up ? state : state.withStore(serving(store)));
        }

        @Override
        public void writeTo(DataOutputStream out) throws IOException {
            out.writeLong(storeId);
        }

        @Override
        public byte type() {
            return TYPE;
        }
    }

    /** Nothing is left on it. Whoever decides has seen that; a store that is up is never buried. */
    record BuryStore(long storeId) implements StoreRecord {

        static final byte TYPE = 0x22;

        @Override
        public Transition applyTo(MetaState state) {
            Store store = state.store(storeId);
            if (store == null) {
                return unknown(state, storeId);
            }
            if (store.getState() == StoreState.Up) {
                return Transition.refused(
                        state, Reason.STORE_UP, "store " + storeId + " is up; remove it first, so that it is emptied");
            }
            return Transition.done(state.withStore(store.toBuilder()
                    .setState(StoreState.Tombstone)
                    .setNodeState(NodeState.Removed)
                    .build()));
        }

        @Override
        public void writeTo(DataOutputStream out) throws IOException {
            out.writeLong(storeId);
        }

        @Override
        public byte type() {
            return TYPE;
        }
    }

    /** All tombstones go; their ids stay, so that none of them comes back as another store (R3). Answers how many went. */
    record ForgetTombstones() implements StoreRecord {

        static final byte TYPE = 0x23;

        @Override
        public Transition applyTo(MetaState state) {
            List<Long> tombstones = new ArrayList<>();
            for (Store store : state.stores().values()) {
                if (store.getState() == StoreState.Tombstone) {
                    tombstones.add(store.getId());
                }
            }
            return new Transition(state.withForgotten(tombstones), new MetaOutcome.Applied(tombstones.size()));
        }

        @Override
        public void writeTo(DataOutputStream out) {}

        @Override
        public byte type() {
            return TYPE;
        }
    }

    /** What becomes of a store's labels. */
    enum LabelChange {
        /** Those that are named are set, the others stay. */
        MERGE(0),
        /** Those that are named are all there are. */
        REPLACE(1),
        /** Those that are named go. */
        DELETE(2);

        private final int code;

        LabelChange(int code) {
            this.code = code;
        }

        private static LabelChange of(int code) throws IOException {
            for (LabelChange change : values()) {
                if (change.code == code) {
                    return change;
                }
            }
            throw new IOException("unknown change of labels " + code);
        }
    }

    /** Labels of a store, in the order of their names, so that every member makes the same store of them. */
    record LabelStore(long storeId, LabelChange change, Map<String, String> labels) implements StoreRecord {

        static final byte TYPE = 0x24;

        public LabelStore {
            labels = Collections.unmodifiableMap(new TreeMap<>(labels));
        }

        @Override
        public Transition applyTo(MetaState state) {
            Store store = state.store(storeId);
            if (store == null) {
                return unknown(state, storeId);
            }
            if (store.getState() == StoreState.Tombstone) {
                return removed(state, storeId);
            }
            Map<String, String> next = new LinkedHashMap<>();
            if (change != LabelChange.REPLACE) {
                store.getLabelsList().forEach(label -> next.put(label.getKey(), label.getValue()));
            }
            for (Map.Entry<String, String> label : labels.entrySet()) {
                if (change == LabelChange.DELETE) {
                    if (next.remove(label.getKey()) == null) {
                        return Transition.refused(
                                state, Reason.NOT_FOUND, "store " + storeId + " has no label '" + label.getKey() + "'");
                    }
                    continue;
                }
                if (!isLabelKey(label.getKey()) || !isLabelValue(label.getValue())) {
                    return Transition.refused(
                            state,
                            Reason.INVALID_VALUE,
                            "label '" + label.getKey()
                                    + "' has a name or value with characters that labels cannot have");
                }
                next.put(label.getKey(), label.getValue());
            }
            if (next.size() > LABELS_MAX) {
                return Transition.refused(state, Reason.INVALID_VALUE, "a store has at most " + LABELS_MAX + " labels");
            }
            String engine = next.get("engine");
            if (engine != null && !PutStore.ENGINES.contains(engine)) {
                return Transition.refused(
                        state, Reason.INVALID_VALUE, "label engine has unknown value '" + engine + "'");
            }
            Store.Builder labelled = store.toBuilder().clearLabels();
            next.forEach((key, value) ->
                    labelled.addLabels(StoreLabel.newBuilder().setKey(key).setValue(value)));
            return Transition.done(state.withStore(labelled.build()));
        }

        @Override
        public void writeTo(DataOutputStream out) throws IOException {
            out.writeLong(storeId);
            out.writeByte(change.code);
            out.writeInt(labels.size());
            for (Map.Entry<String, String> label : labels.entrySet()) {
                out.writeUTF(label.getKey());
                out.writeUTF(label.getValue());
            }
        }

        private static LabelStore readFrom(DataInputStream in) throws IOException {
            long storeId = in.readLong();
            LabelChange change = LabelChange.of(in.readByte());
            Map<String, String> labels = new LinkedHashMap<>();
            for (int left = in.readInt(); left > 0; left--) {
                labels.put(in.readUTF(), in.readUTF());
            }
            return new LabelStore(storeId, change, labels);
        }

        @Override
        public byte type() {
            return TYPE;
        }
    }

    /**
     * How fast replicas come to a store, or leave it.
     *
     * @param storeId {@link StoreRates#EVERY} for all stores, those too that had a limit of their own
     * @param perMinute replicas, 0 for none
     */
    record LimitStore(long storeId, StoreRates.Of of, double perMinute) implements StoreRecord {
        static final byte TYPE = 0x25;

        public LimitStore {
            if (!StoreRates.allows(perMinute)) {
                throw new IllegalArgumentException(
                        "a store limit must be 0 to " + (long) StoreRates.MAX + " a minute, not " + perMinute);
            }
        }

        @Override
        public Transition applyTo(MetaState state) {
            Store store = state.store(storeId);
            if (storeId != StoreRates.EVERY && store == null) {
                return unknown(state, storeId);
            }
            if (store != null && store.getState() == StoreState.Tombstone) {
                return removed(state, storeId);
            }
            return Transition.done(state.withRates(state.rates().with(storeId, of, perMinute)));
        }

        @Override
        public void writeTo(DataOutputStream out) throws IOException {
            out.writeLong(storeId);
            out.writeByte(of.code());
            out.writeDouble(perMinute);
        }

        private static LimitStore readFrom(DataInputStream in) throws IOException {
            return new LimitStore(in.readLong(), StoreRates.Of.of(in.readByte()), in.readDouble());
        }

        @Override
        public byte type() {
            return TYPE;
        }
    }

    /** The record whose body follows. */
    static StoreRecord read(byte type, DataInputStream in) throws IOException {
        return switch (type) {
            case RemoveStore.TYPE -> new RemoveStore(in.readLong(), in.readBoolean());
            case RestoreStore.TYPE -> new RestoreStore(in.readLong());
            case BuryStore.TYPE -> new BuryStore(in.readLong());
            case ForgetTombstones.TYPE -> new ForgetTombstones();
            case LabelStore.TYPE -> LabelStore.readFrom(in);
            case LimitStore.TYPE -> LimitStore.readFrom(in);
            default -> throw new IOException("no record about stores has the type " + type);
        };
    }

    private static Transition unknown(MetaState state, long storeId) {
        return Transition.refused(state, Reason.NOT_FOUND, "store " + storeId + " not found");
    }

    private static Transition removed(MetaState state, long storeId) {
        return Transition.refused(
                state, Reason.STORE_TOMBSTONE, "store " + storeId + " was removed and must not come back");
    }

    private static Store serving(Store store) {
        return store.toBuilder()
                .setState(StoreState.Up)
                .setNodeState(NodeState.Serving)
                .build();
    }
}
