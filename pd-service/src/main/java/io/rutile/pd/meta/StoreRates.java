package io.rutile.pd.meta;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Collection;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * How many replicas a minute may come to a store and leave it, as far as somebody has said so. Immutable.
 *
 * @param added by store, {@link #EVERY} for those that are not named
 * @param removed the same for replicas that leave
 */
public record StoreRates(Map<Long, Double> added, Map<Long, Double> removed) {

    /** No store has this id: what holds for every store that is not named. */
    public static final long EVERY = 0;

    /** Replicas a minute; more than any store takes in. */
    public static final double MAX = 1_000_000;

    static final StoreRates NONE = new StoreRates(Map.of(), Map.of());

    /** Of which replicas a rate speaks. */
    public enum Of {
        ADDED(0),
        REMOVED(1);

        private final int code;

        Of(int code) {
            this.code = code;
        }

        int code() {
            return code;
        }

        static Of of(int code) throws IOException {
            return switch (code) {
                case 0 -> ADDED;
                case 1 -> REMOVED;
                default -> throw new IOException("unknown kind of rate " + code);
            };
        }
    }

    public StoreRates {
        added = Collections.unmodifiableMap(added);
        removed = Collections.unmodifiableMap(removed);
    }

    public static boolean allows(double perMinute) {
        return perMinute >= 0 && perMinute <= MAX;
    }

    /** With this rate; for {@link #EVERY} it holds for all stores, those that had one of their own too. */
    StoreRates with(long storeId, Of of, double perMinute) {
        Map<Long, Double> changed = new TreeMap<>(of == Of.ADDED ? added : removed);
        if (storeId == EVERY) {
            changed.clear();
        }
        changed.put(storeId, perMinute);
        return of == Of.ADDED ? new StoreRates(changed, removed) : new StoreRates(added, changed);
    }

    StoreRates without(Collection<Long> storeIds) {
        Map<Long, Double> addedLeft = new TreeMap<>(added);
        Map<Long, Double> removedLeft = new TreeMap<>(removed);
        addedLeft.keySet().removeAll(storeIds);
        removedLeft.keySet().removeAll(storeIds);
        return new StoreRates(addedLeft, removedLeft);
    }

    void writeTo(DataOutputStream out) throws IOException {
        write(added, out);
        write(removed, out);
    }

    static StoreRates readFrom(DataInputStream in) throws IOException {
        return new StoreRates(read(in), read(in));
    }

    private static void write(Map<Long, Double> rates, DataOutputStream out) throws IOException {
        out.writeInt(rates.size());
        for (Map.Entry<Long, Double> rate : rates.entrySet()) {
            out.writeLong(rate.getKey());
            out.writeDouble(rate.getValue());
        }
    }

    private static Map<Long, Double> read(DataInputStream in) throws IOException {
        Map<Long, Double> rates = new TreeMap<>();
        for (int left = in.readInt(); left > 0; left--) {
            rates.put(in.readLong(), in.readDouble());
        }
        return rates;
    }
}
