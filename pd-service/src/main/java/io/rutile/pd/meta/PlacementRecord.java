package io.rutile.pd.meta;

import io.rutile.pd.meta.MetaOutcome.Reason;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** Decisions about placement rules. */
public sealed interface PlacementRecord extends MetaRecord {

    /**
     * Changes rules and groups. Whether rules make sense together was decided on one version of them; if another change came in
     * between, this one is refused, and whoever proposed it looks again.
     *
     * @param seen version that the decision was made on
     * @param puts texts by name
     * @param deletes names
     */
    record ChangePlacement(long seen, Map<String, String> puts, Set<String> deletes) implements PlacementRecord {
        static final byte TYPE = 0x2a;

        public ChangePlacement {
            puts = Collections.unmodifiableMap(new TreeMap<>(puts));
            deletes = Collections.unmodifiableSet(new TreeSet<>(deletes));
        }

        @Override
        public Transition applyTo(MetaState state) {
            if (state.placement().version() != seen) {
                return Transition.refused(
                        state, Reason.CONFLICT, "placement rules were changed by somebody else at the same time");
            }
            PlacementTexts changed = state.placement().with(puts, deletes);
            if (!changed.isBounded()) {
                return Transition.refused(
                        state,
                        Reason.EXHAUSTED,
                        "there is no room for more or longer placement rules: at most " + PlacementTexts.TEXTS_MAX
                                + ", " + PlacementTexts.TEXT_CHARS_MAX + " characters each, "
                                + PlacementTexts.CHARS_MAX + " together");
            }
            return Transition.done(state.withPlacement(changed));
        }

        @Override
        public void writeTo(DataOutputStream out) throws IOException {
            out.writeLong(seen);
            out.writeInt(puts.size());
            for (Map.Entry<String, String> put : puts.entrySet()) {
                out.writeUTF(put.getKey());
                out.writeUTF(put.getValue());
            }
            out.writeInt(deletes.size());
            for (String name : deletes) {
                out.writeUTF(name);
            }
        }

        private static ChangePlacement readFrom(DataInputStream in) throws IOException {
            long seen = in.readLong();
            Map<String, String> puts = new TreeMap<>();
            for (int left = in.readInt(); left > 0; left--) {
                puts.put(in.readUTF(), in.readUTF());
            }
            Set<String> deletes = new TreeSet<>();
            for (int left = in.readInt(); left > 0; left--) {
                deletes.add(in.readUTF());
            }
            return new ChangePlacement(seen, puts, deletes);
        }

        @Override
        public byte type() {
            return TYPE;
        }
    }

    /** The record whose body follows. */
    static PlacementRecord read(DataInputStream in) throws IOException {
        return ChangePlacement.readFrom(in);
    }
}
