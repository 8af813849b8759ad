package io.rutile.pd.meta;

import io.rutile.protocol.keyspacepb.KeyspaceMeta;
import io.rutile.protocol.metapb.Store;
import io.rutile.protocol.metapb.StoreState;
import io.rutile.protocol.pdpb.Member;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One moment of the hard state; immutable. Layout on disk: docs/formats/pd-meta.md.
 *
 * @param appliedIndex log index of the last record in it
 * @param clusterId random and positive, 0 before the first leader chose it
 * @param bootstrapped whether a first store and Region exist
 * @param stores by id, tombstones included
 * @param members who shall be a member: what each announced of itself, or was admitted with, by member id
 * @param idsReserved the greatest id that a window holds (T2)
 * @param tsoSavedMs every timestamp handed out is before this millisecond (T1)
 * @param clusterVersion what all stores understand, {@code major.minor.patch}
 * @param maxReplicas how many replicas a Region should have
 * @param gc safe points and barriers (P7)
 * @param keyspaces the default one and those that were created
 * @param forgottenStores ids of tombstones that were removed: none of them may come back (R3)
 * @param settings what was set while the cluster ran, by name; see {@link Setting}
 * @param rates how fast replicas come to stores and leave them
 * @param placement placement rules and groups
 * @param incarnations who of the members is who, and who was removed (R3)
 */
public record MetaState(
        long appliedIndex,
        long clusterId,
        boolean bootstrapped,
        Map<Long, Store> stores,
        Map<Long, Member> members,
        long idsReserved,
        long tsoSavedMs,
        StoreVersion clusterVersion,
        int maxReplicas,
        GcState gc,
        Keyspaces keyspaces,
        Set<Long> forgottenStores,
        Map<String, String> settings,
        StoreRates rates,
        PlacementTexts placement,
        Incarnations incarnations) {

    /** A log begins behind this index, with the empty state. */
    public static final long FIRST_INDEX = 1;

    /** Replicas of a Region until an operator says otherwise. */
    public static final int MAX_REPLICAS_DEFAULT = 3;

    static final MetaState EMPTY = new MetaState(
            FIRST_INDEX,
            0,
            false,
            Map.of(),
            Map.of(),
            0,
            0,
            StoreVersion.NONE,
            MAX_REPLICAS_DEFAULT,
            GcState.EMPTY,
            Keyspaces.INITIAL,
            Set.of(),
            Map.of(),
            StoreRates.NONE,
            PlacementTexts.NONE,
            Incarnations.NONE);

    public MetaState {
        stores = Collections.unmodifiableMap(stores);
        members = Collections.unmodifiableMap(members);
        forgottenStores = Collections.unmodifiableSet(forgottenStores);
        settings = Collections.unmodifiableMap(settings);
    }

    /** What was set while the cluster ran, in the form that the setting has; empty if nothing was. */
    public Optional<String> value(Setting setting) {
        // A newer version may allow what this one does not.
        return Optional.ofNullable(settings.get(setting.fullName())).filter(setting::allows);
    }

    public Optional<Duration> duration(Setting setting) {
        return value(setting).map(value -> Duration.ofMillis(Long.parseLong(value)));
    }

    public @Nullable Store store(long storeId) {
        return stores.get(storeId);
    }

    /** Stores that were not buried. */
    public Collection<Store> livingStores() {
        List<Store> living = new ArrayList<>();
        for (Store store : stores.values()) {
            if (store.getState() != StoreState.Tombstone) {
                living.add(store);
            }
        }
        return living;
    }

    MetaState withAppliedIndex(long index) {
        return with(draft -> draft.appliedIndex = index);
    }

    MetaState withClusterId(long id) {
        return with(draft -> draft.clusterId = id);
    }

    MetaState withBootstrapped() {
        return with(draft -> draft.bootstrapped = true);
    }

    /** With this store, and with the cluster version that follows from it: the lowest of all living stores, never going down. */
    MetaState withStore(Store store) {
        Map<Long, Store> next = new TreeMap<>(stores);
        next.put(store.getId(), store);
        MetaState added = with(draft -> draft.stores = next);
        StoreVersion lowest = added.lowestStoreVersion();
        return lowest.compareTo(clusterVersion) > 0 ? added.with(draft -> draft.clusterVersion = lowest) : added;
    }

    MetaState withMember(Member member) {
        Map<Long, Member> next = new TreeMap<>(members);
        next.put(member.getMemberId(), member);
        return with(draft -> draft.members = next);
    }

    MetaState withoutMember(long memberId) {
        Map<Long, Member> next = new TreeMap<>(members);
        next.remove(memberId);
        return with(draft -> draft.members = next);
    }

    MetaState withIncarnations(Incarnations next) {
        return with(draft -> draft.incarnations = next);
    }

    MetaState withIdsReserved(long last) {
        return with(draft -> draft.idsReserved = last);
    }

    MetaState withTsoSavedMs(long savedMs) {
        return with(draft -> draft.tsoSavedMs = savedMs);
    }

    MetaState withMaxReplicas(int count) {
        return with(draft -> draft.maxReplicas = count);
    }

    MetaState withGc(GcState next) {
        return with(draft -> draft.gc = next);
    }

    MetaState withKeyspaces(Keyspaces next) {
        return with(draft -> draft.keyspaces = next);
    }

    /** Without these stores, which are tombstones. */
    MetaState withForgotten(Collection<Long> storeIds) {
        Map<Long, Store> left = new TreeMap<>(stores);
        left.keySet().removeAll(storeIds);
        Set<Long> forgotten = new TreeSet<>(forgottenStores);
        forgotten.addAll(storeIds);
        return with(draft -> {
            draft.stores = left;
            draft.forgottenStores = forgotten;
            draft.rates = rates.without(storeIds);
        });
    }

    MetaState withSetting(String name, String value) {
        Map<String, String> next = new TreeMap<>(settings);
        next.put(name, value);
        return with(draft -> draft.settings = next);
    }

    MetaState withoutSetting(String name) {
        Map<String, String> next = new TreeMap<>(settings);
        next.remove(name);
        return with(draft -> draft.settings = next);
    }

    MetaState withRates(StoreRates next) {
        return with(draft -> draft.rates = next);
    }

    MetaState withPlacement(PlacementTexts next) {
        return with(draft -> draft.placement = next);
    }

    private MetaState with(Consumer<Draft> change) {
        Draft draft = new Draft(this);
        change.accept(draft);
        return draft.toState();
    }

    /** The next state on its way: every field as it was until somebody changes it. */
    private static final class Draft {
        private long appliedIndex;
        private long clusterId;
        private boolean bootstrapped;
        private Map<Long, Store> stores;
        private Map<Long, Member> members;
        private long idsReserved;
        private long tsoSavedMs;
        private StoreVersion clusterVersion;
        private int maxReplicas;
        private GcState gc;
        private Keyspaces keyspaces;
        private Set<Long> forgottenStores;
        private Map<String, String> settings;
        private StoreRates rates;
        private PlacementTexts placement;
        private Incarnations incarnations;

        private Draft(MetaState from) {
            appliedIndex = from.appliedIndex;
            clusterId = from.clusterId;
            bootstrapped = from.bootstrapped;
            stores = from.stores;
            members = from.members;
            idsReserved = from.idsReserved;
            tsoSavedMs = from.tsoSavedMs;
            clusterVersion = from.clusterVersion;
            maxReplicas = from.maxReplicas;
            gc = from.gc;
            keyspaces = from.keyspaces;
            forgottenStores = from.forgottenStores;
            settings = from.settings;
            rates = from.rates;
            placement = from.placement;
            incarnations = from.incarnations;
        }

        private MetaState toState() {
            return new MetaState(
                    appliedIndex,
                    clusterId,
                    bootstrapped,
                    stores,
                    members,
                    idsReserved,
                    tsoSavedMs,
                    clusterVersion,
                    maxReplicas,
                    gc,
                    keyspaces,
                    forgottenStores,
                    settings,
                    rates,
                    placement,
                    incarnations);
        }
    }

    private StoreVersion lowestStoreVersion() {
        return livingStores().stream()
                .map(store -> StoreVersion.parse(store.getVersion()).orElse(StoreVersion.NONE))
                .min(StoreVersion::compareTo)
                .orElse(StoreVersion.NONE);
    }

    void writeTo(DataOutputStream out) throws IOException {
        out.writeLong(appliedIndex);
        out.writeLong(clusterId);
        out.writeBoolean(bootstrapped);
        out.writeLong(idsReserved);
        out.writeLong(tsoSavedMs);
        out.writeUTF(clusterVersion.toString());
        out.writeInt(maxReplicas);
        out.writeInt(stores.size());
        for (Store store : stores.values()) {
            writeBytes(out, store.toByteArray());
        }
        out.writeInt(members.size());
        for (Member member : members.values()) {
            writeBytes(out, member.toByteArray());
        }
        gc.writeTo(out);
        out.writeInt(keyspaces.all().size());
        for (KeyspaceMeta keyspace : keyspaces.all()) {
            writeBytes(out, keyspace.toByteArray());
        }
        out.writeInt(forgottenStores.size());
        for (long storeId : forgottenStores) {
            out.writeLong(storeId);
        }
        out.writeInt(settings.size());
        for (Map.Entry<String, String> setting : settings.entrySet()) {
            out.writeUTF(setting.getKey());
            out.writeUTF(setting.getValue());
        }
        rates.writeTo(out);
        placement.writeTo(out);
        incarnations.writeTo(out);
    }

    /**
     * @param layout 1 ends behind the members, 2 behind the keyspaces, 3 behind the settings, 4 behind the placement rules: what is
     *     missing is as it is in the beginning
     */
    static MetaState readFrom(DataInputStream in, int layout) throws IOException {
        long appliedIndex = in.readLong();
        long clusterId = in.readLong();
        boolean bootstrapped = in.readBoolean();
        long idsReserved = in.readLong();
        long tsoSavedMs = in.readLong();
        StoreVersion version = StoreVersion.parse(in.readUTF()).orElseThrow(() -> new IOException("cluster version"));
        int maxReplicas = in.readInt();
        Map<Long, Store> stores = new TreeMap<>();
        for (int left = in.readInt(); left > 0; left--) {
            Store store = Store.parseFrom(readBytes(in));
            stores.put(store.getId(), store);
        }
        Map<Long, Member> members = new TreeMap<>();
        for (int left = in.readInt(); left > 0; left--) {
            Member member = Member.parseFrom(readBytes(in));
            members.put(member.getMemberId(), member);
        }
        return new MetaState(
                appliedIndex,
                clusterId,
                bootstrapped,
                stores,
                members,
                idsReserved,
                tsoSavedMs,
                version,
                maxReplicas,
                layout < 2 ? GcState.EMPTY : GcState.readFrom(in),
                layout < 2 ? Keyspaces.INITIAL : readKeyspaces(in),
                layout < 3 ? Set.of() : readIds(in),
                layout < 3 ? Map.of() : readTexts(in),
                layout < 4 ? StoreRates.NONE : StoreRates.readFrom(in),
                layout < 4 ? PlacementTexts.NONE : PlacementTexts.readFrom(in),
                layout < 5 ? Incarnations.NONE : Incarnations.readFrom(in));
    }

    private static Set<Long> readIds(DataInputStream in) throws IOException {
        Set<Long> ids = new TreeSet<>();
        for (int left = in.readInt(); left > 0; left--) {
            ids.add(in.readLong());
        }
        return ids;
    }

    private static Map<String, String> readTexts(DataInputStream in) throws IOException {
        Map<String, String> texts = new TreeMap<>();
        for (int left = in.readInt(); left > 0; left--) {
            texts.put(in.readUTF(), in.readUTF());
        }
        return texts;
    }

    private static Keyspaces readKeyspaces(DataInputStream in) throws IOException {
        Map<Integer, KeyspaceMeta> byId = new TreeMap<>();
        for (int left = in.readInt(); left > 0; left--) {
            KeyspaceMeta keyspace = KeyspaceMeta.parseFrom(readBytes(in));
            byId.put(keyspace.getId(), keyspace);
        }
        return new Keyspaces(byId);
    }

    private static void writeBytes(DataOutputStream out, byte[] bytes) throws IOException {
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    private static byte[] readBytes(DataInputStream in) throws IOException {
        int length = in.readInt();
        byte[] bytes = length < 0 ? new byte[0] : in.readNBytes(length);
        if (bytes.length != length) {
            throw new IOException("length " + length + " is not inside the image");
        }
        return bytes;
    }
}
