package io.rutile.pd.meta;

import io.rutile.pd.meta.MetaOutcome.Reason;
import io.rutile.protocol.metapb.NodeState;
import io.rutile.protocol.metapb.Store;
import io.rutile.protocol.metapb.StoreLabel;
import io.rutile.protocol.metapb.StoreState;
import io.rutile.protocol.pdpb.Member;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * One decision about the hard state, as it stands in the log. Knows its bytes and its transition; what two concurrent
 * decisions could break is checked in the transition, so that the log's order settles it.
 *
 * <pre>
 * record := type (1) body            docs/formats/pd-meta.md
 * </pre>
 */
public sealed interface MetaRecord
        permits MetaRecord.NameCluster,
                MetaRecord.AnnounceMember,
                MetaRecord.Bootstrap,
                MetaRecord.PutStore,
                MetaRecord.ReserveIds,
                MetaRecord.SaveTso,
                MetaRecord.SetMaxReplicas,
                GcRecord,
                KeyspaceRecord,
                MemberRecord,
                StoreRecord,
                SettingRecord,
                PlacementRecord {

    /** The next state and what the proposer is told. Deterministic. */
    Transition applyTo(MetaState state);

    /** The body behind the type byte. */
    void writeTo(DataOutputStream out) throws IOException;

    byte type();

    /**
     * What a record made of a state.
     *
     * @param state as it is now; the same instance if nothing changed
     */
    record Transition(MetaState state, MetaOutcome outcome) {

        static Transition done(MetaState state) {
            return new Transition(state, MetaOutcome.DONE);
        }

        static Transition refused(MetaState state, Reason reason, String message) {
            return new Transition(state, new MetaOutcome.Refused(reason, message));
        }
    }

    /** Names the cluster, once and for ever. */
    record NameCluster(long clusterId) implements MetaRecord {

        static final byte TYPE = 1;

        public NameCluster {
            if (clusterId <= 0) {
                throw new IllegalArgumentException("cluster id must be positive: " + clusterId);
            }
        }

        @Override
        public Transition applyTo(MetaState state) {
            MetaState next = state.clusterId() == 0 ? state.withClusterId(clusterId) : state;
            return new Transition(next, new MetaOutcome.Applied(next.clusterId()));
        }

        @Override
        public void writeTo(DataOutputStream out) throws IOException {
            out.writeLong(clusterId);
        }

        @Override
        public byte type() {
            return TYPE;
        }
    }

    /** A member says who it is and where clients find it: what members said before they had incarnations ({@link MemberRecord}). */
    record AnnounceMember(Member member) implements MetaRecord {

        static final byte TYPE = 2;

        @Override
        public Transition applyTo(MetaState state) {
            boolean removed = state.incarnations().removed().contains(member.getMemberId());
            return Transition.done(removed ? state : state.withMember(member));
        }

        @Override
        public void writeTo(DataOutputStream out) throws IOException {
            out.write(member.toByteArray());
        }

        @Override
        public byte type() {
            return TYPE;
        }
    }

    /** The first store; whoever is first in the log wins. */
    record Bootstrap(Store store) implements MetaRecord {

        static final byte TYPE = 3;

        @Override
        public Transition applyTo(MetaState state) {
            if (state.bootstrapped()) {
                return Transition.refused(state, Reason.ALREADY_BOOTSTRAPPED, "cluster is already bootstrapped");
            }
            return Transition.done(state.withBootstrapped().withStore(serving(store)));
        }

        @Override
        public void writeTo(DataOutputStream out) throws IOException {
            out.write(store.toByteArray());
        }

        @Override
        public byte type() {
            return TYPE;
        }
    }

    /** A store joins, or says what changed: address, version, labels. Its state is PD's to change, not the store's. */
    record PutStore(Store store) implements MetaRecord {

        static final byte TYPE = 4;
        static final Set<String> ENGINES = Set.of("tikv", "tiflash", "tiflash_compute");

        @Override
        public Transition applyTo(MetaState state) {
            Store known = state.store(store.getId());
            if (state.forgottenStores().contains(store.getId())
                    || (known != null && known.getState() == StoreState.Tombstone)) {
                return Transition.refused(
                        state,
                        Reason.STORE_TOMBSTONE,
                        "store " + store.getId() + " was removed and must not come back");
            }
            if (known != null && known.getPhysicallyDestroyed()) {
                return Transition.refused(
                        state,
                        Reason.STORE_DESTROYED,
                        "store " + store.getId() + " was said to be physically destroyed and must not come back; "
                                + "start it on an empty directory, and it gets an id of its own");
            }
            for (StoreLabel label : store.getLabelsList()) {
                if (label.getKey().equals("engine") && !ENGINES.contains(label.getValue())) {
                    return Transition.refused(
                            state, Reason.INVALID_VALUE, "label engine has unknown value '" + label.getValue() + "'");
                }
            }
            StoreVersion version = StoreVersion.parse(store.getVersion()).orElse(null);
            if (version == null || !version.canJoin(state.clusterVersion())) {
                return Transition.refused(
                        state,
                        Reason.INCOMPATIBLE_VERSION,
                        "version '" + store.getVersion() + "' does not go with cluster version "
                                + state.clusterVersion());
            }
            for (Store other : state.livingStores()) {
                if (other.getId() != store.getId() && !other.getPhysicallyDestroyed() && sameAddress(other, store)) {
                    return Transition.refused(
                            state,
                            Reason.DUPLICATE_ADDRESS,
                            "duplicated store address: store " + store.getId() + " at " + store.getAddress()
                                    + ", already registered by store " + other.getId()
                                    + "; remove that store first if its data is gone");
                }
            }
            return Transition.done(state.withStore(known == null ? serving(store) : merged(known, store)));
        }

        private static boolean sameAddress(Store a, Store b) {
            return a.getAddress().equals(b.getAddress())
                    || (!a.getPeerAddress().isEmpty() && a.getPeerAddress().equals(b.getPeerAddress()));
        }

        private static Store merged(Store known, Store said) {
            Map<String, StoreLabel> labels = new LinkedHashMap<>();
            known.getLabelsList().forEach(label -> labels.put(label.getKey(), label));
            said.getLabelsList().forEach(label -> labels.put(label.getKey(), label));
            return said.toBuilder()
                    .setState(known.getState())
                    .setNodeState(known.getNodeState())
                    .setPhysicallyDestroyed(known.getPhysicallyDestroyed())
                    .clearLabels()
                    .addAllLabels(labels.values())
                    .build();
        }

        @Override
        public void writeTo(DataOutputStream out) throws IOException {
            out.write(store.toByteArray());
        }

        @Override
        public byte type() {
            return TYPE;
        }
    }

    /** Sets aside the next {@code count} ids for the proposer; two windows never overlap, whoever proposed them (T2). */
    record ReserveIds(int count) implements MetaRecord {

        static final byte TYPE = 5;

        public ReserveIds {
            if (count <= 0) {
                throw new IllegalArgumentException("count must be positive: " + count);
            }
        }

        @Override
        public Transition applyTo(MetaState state) {
            long last = state.idsReserved() + count;
            if (last > Integer.MAX_VALUE) {
                // Peer ids are 31 bits wide in the Raft layer.
                return Transition.refused(state, Reason.EXHAUSTED, "all ids up to 2^31-1 are given away");
            }
            return new Transition(state.withIdsReserved(last), new MetaOutcome.Applied(last));
        }

        @Override
        public void writeTo(DataOutputStream out) throws IOException {
            out.writeInt(count);
        }

        @Override
        public byte type() {
            return TYPE;
        }
    }

    /** Allows timestamps before this millisecond (T1). */
    record SaveTso(long untilMs) implements MetaRecord {

        static final byte TYPE = 6;

        @Override
        public Transition applyTo(MetaState state) {
            return Transition.done(untilMs > state.tsoSavedMs() ? state.withTsoSavedMs(untilMs) : state);
        }

        @Override
        public void writeTo(DataOutputStream out) throws IOException {
            out.writeLong(untilMs);
        }

        @Override
        public byte type() {
            return TYPE;
        }
    }

    /** How many replicas each Region should have. */
    record SetMaxReplicas(int count) implements MetaRecord {

        static final byte TYPE = 7;

        /** More than anybody keeps; a typing error is refused. */
        public static final int MAX = 9;

        @Override
        public Transition applyTo(MetaState state) {
            if (count < 1 || count > MAX) {
                return Transition.refused(
                        state, Reason.INVALID_VALUE, "max replicas must be 1 to " + MAX + ", not " + count);
            }
            return Transition.done(state.withMaxReplicas(count));
        }

        @Override
        public void writeTo(DataOutputStream out) throws IOException {
            out.writeInt(count);
        }

        @Override
        public byte type() {
            return TYPE;
        }
    }

    default byte[] encode() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(64);
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.writeByte(type());
            writeTo(out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    /**
     * A record from its bytes.
     *
     * @throws IOException if these are not the bytes of a record that this version knows
     */
    static MetaRecord decode(byte[] bytes) throws IOException {
        if (bytes.length == 0) {
            throw new IOException("empty meta record");
        }
        byte[] body = Arrays.copyOfRange(bytes, 1, bytes.length);
        DataInputStream in = new DataInputStream(new ByteArrayInputStream(body));
        try {
            return switch (bytes[0]) {
                case NameCluster.TYPE -> new NameCluster(in.readLong());
                case AnnounceMember.TYPE -> new AnnounceMember(Member.parseFrom(body));
                case Bootstrap.TYPE -> new Bootstrap(Store.parseFrom(body));
                case PutStore.TYPE -> new PutStore(Store.parseFrom(body));
                case ReserveIds.TYPE -> new ReserveIds(in.readInt());
                case SaveTso.TYPE -> new SaveTso(in.readLong());
                case SetMaxReplicas.TYPE -> new SetMaxReplicas(in.readInt());
                case KeyspaceRecord.CreateKeyspace.TYPE, KeyspaceRecord.ChangeKeyspaceState.TYPE ->
                    KeyspaceRecord.read(bytes[0], in);
                case MemberRecord.AdmitMember.TYPE, MemberRecord.RemoveMember.TYPE, MemberRecord.IdentifyMember.TYPE ->
                    MemberRecord.read(bytes[0], in);
                case StoreRecord.RemoveStore.TYPE,
                        StoreRecord.RestoreStore.TYPE,
                        StoreRecord.BuryStore.TYPE,
                        StoreRecord.ForgetTombstones.TYPE,
                        StoreRecord.LabelStore.TYPE,
                        StoreRecord.LimitStore.TYPE -> StoreRecord.read(bytes[0], in);
                case SettingRecord.ChangeSetting.TYPE, SettingRecord.ClearSetting.TYPE ->
                    SettingRecord.read(bytes[0], in);
                case PlacementRecord.ChangePlacement.TYPE -> PlacementRecord.read(in);
                default -> GcRecord.read(bytes[0], in);
            };
        } catch (IllegalArgumentException e) {
            throw new IOException("damaged meta record of type " + bytes[0] + ": " + e.getMessage(), e);
        }
    }

    private static Store serving(Store store) {
        return store.toBuilder()
                .setState(StoreState.Up)
                .setNodeState(NodeState.Serving)
                .build();
    }
}
