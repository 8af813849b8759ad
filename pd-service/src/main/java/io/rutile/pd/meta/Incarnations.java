package io.rutile.pd.meta;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Which data directory is which member (R3). A directory draws a number once, its incarnation; whoever comes with another one is another
 * member, whatever it is called. Immutable. Grows by an entry with every member that ever was.
 *
 * @param lastId the greatest id that was given to a member that joined, 0 if none ever did
 * @param byMember incarnation by member id, of removed ones too; missing until a member has said its own
 * @param removed ids of members that were removed: none of them may come back
 */
public record Incarnations(long lastId, Map<Long, Long> byMember, Set<Long> removed) {

    public static final Incarnations NONE = new Incarnations(0, Map.of(), Set.of());

    public Incarnations {
        byMember = Collections.unmodifiableMap(byMember);
        removed = Collections.unmodifiableSet(removed);
    }

    /** The member that this directory is, removed or not. */
    public Optional<Long> memberOf(long incarnation) {
        return byMember.entrySet().stream()
                .filter(entry -> entry.getValue() == incarnation)
                .map(Map.Entry::getKey)
                .findFirst();
    }

    /** True if the member is known, as another incarnation than this. */
    boolean isAnother(long memberId, long incarnation) {
        Long known = byMember.get(memberId);
        return known != null && known != incarnation;
    }

    Incarnations with(long memberId, long incarnation) {
        Map<Long, Long> next = new TreeMap<>(byMember);
        next.put(memberId, incarnation);
        return new Incarnations(lastId, next, removed);
    }

    Incarnations withAdmitted(long memberId, long incarnation) {
        Incarnations with = with(memberId, incarnation);
        return new Incarnations(memberId, with.byMember, removed);
    }

    Incarnations withRemoved(long memberId) {
        Set<Long> next = new TreeSet<>(removed);
        next.add(memberId);
        return new Incarnations(lastId, byMember, next);
    }

    void writeTo(DataOutputStream out) throws IOException {
        out.writeLong(lastId);
        out.writeInt(byMember.size());
        for (Map.Entry<Long, Long> entry : byMember.entrySet()) {
            out.writeLong(entry.getKey());
            out.writeLong(entry.getValue());
        }
        out.writeInt(removed.size());
        for (long memberId : removed) {
            out.writeLong(memberId);
        }
    }

    static Incarnations readFrom(DataInputStream in) throws IOException {
        long lastId = in.readLong();
        Map<Long, Long> byMember = new TreeMap<>();
        for (int left = in.readInt(); left > 0; left--) {
            byMember.put(in.readLong(), in.readLong());
        }
        Set<Long> removed = new TreeSet<>();
        for (int left = in.readInt(); left > 0; left--) {
            removed.add(in.readLong());
        }
        return new Incarnations(lastId, byMember, removed);
    }
}
