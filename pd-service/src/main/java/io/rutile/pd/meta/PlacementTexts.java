package io.rutile.pd.meta;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Placement rules and their groups as the hard state keeps them: texts by name, which only {@code schedule.placement} can read.
 * Immutable.
 *
 * @param version goes up with every change, so that a change is made to what its proposer has seen and to nothing else
 * @param byName texts; none is longer than {@link #TEXT_CHARS_MAX}
 */
public record PlacementTexts(long version, Map<String, String> byName) {

    /** Rules and groups together. */
    public static final int TEXTS_MAX = 12_000;

    /** Of one text. Two bytes of length are all that the log has for it. */
    public static final int TEXT_CHARS_MAX = 16 << 10;

    /** Of all texts, for they are read at once and sent in one image. */
    public static final long CHARS_MAX = 8 << 20;

    static final PlacementTexts NONE = new PlacementTexts(0, Map.of());

    public PlacementTexts {
        byName = Collections.unmodifiableMap(byName);
    }

    /** The next version: these taken away, then those put. */
    PlacementTexts with(Map<String, String> puts, Set<String> deletes) {
        Map<String, String> changed = new TreeMap<>(byName);
        changed.keySet().removeAll(deletes);
        changed.putAll(puts);
        return new PlacementTexts(version + 1, changed);
    }

    /** True if it is not more than may be kept. */
    boolean isBounded() {
        long chars = 0;
        for (Map.Entry<String, String> text : byName.entrySet()) {
            if (text.getValue().length() > TEXT_CHARS_MAX) {
                return false;
            }
            chars += text.getKey().length() + text.getValue().length();
        }
        return byName.size() <= TEXTS_MAX && chars <= CHARS_MAX;
    }

    void writeTo(DataOutputStream out) throws IOException {
        out.writeLong(version);
        out.writeInt(byName.size());
        for (Map.Entry<String, String> text : byName.entrySet()) {
            out.writeUTF(text.getKey());
            out.writeUTF(text.getValue());
        }
    }

    static PlacementTexts readFrom(DataInputStream in) throws IOException {
        long version = in.readLong();
        Map<String, String> texts = new TreeMap<>();
        for (int left = in.readInt(); left > 0; left--) {
            texts.put(in.readUTF(), in.readUTF());
        }
        return new PlacementTexts(version, texts);
    }
}
