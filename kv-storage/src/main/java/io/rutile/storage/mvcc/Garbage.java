package io.rutile.storage.mvcc;

import java.util.ArrayList;
import java.util.List;

/**
 * Which versions of a key nobody may read any more (P7): everything newer than the safe point stays, and so does the newest put at
 * or below it; locks, rollbacks, deletes and older puts at or below it go.
 */
public final class Garbage {

    private Garbage() {}

    /** A record that goes. @param valueOf start timestamp under which its value is stored apart, 0 if it isn't */
    private record Dead(long ts, long valueOf) {}

    /** True if there is any. */
    public static boolean isIn(MvccReader reader, MvccKey key, long safePoint) {
        return !of(reader, key, safePoint, 1).isEmpty();
    }

    /**
     * Removes what goes, the oldest first: a delete that went before the puts that it hides would bring them back.
     *
     * @param recordsMax that are removed at most
     * @return records removed; {@code recordsMax} if there may be more
     */
    public static int remove(MvccReader reader, MvccKey key, long safePoint, int recordsMax, MvccTxn into) {
        List<Dead> dead = of(reader, key, safePoint, Integer.MAX_VALUE);
        List<Dead> oldest = dead.subList(Math.max(0, dead.size() - recordsMax), dead.size());
        for (Dead record : oldest) {
            into.deleteWrite(key, record.ts());
            if (record.valueOf() != 0) {
                into.deleteValue(key, record.valueOf());
            }
        }
        return oldest.size();
    }

    /** Newest first. */
    private static List<Dead> of(MvccReader reader, MvccKey key, long safePoint, int enough) {
        List<Dead> dead = new ArrayList<>();
        boolean newestSeen = false;
        for (Version version = reader.seek(key, safePoint);
                version != null && dead.size() < enough;
                version = reader.next(key)) {
            boolean stays = !newestSeen && version.kind() == WriteKind.PUT;
            newestSeen |= version.kind().isData();
            if (!stays) {
                boolean apart =
                        version.kind() == WriteKind.PUT && version.write().shortValue() == null;
                dead.add(new Dead(version.ts(), apart ? version.write().startTs() : 0));
            }
        }
        return dead;
    }
}
