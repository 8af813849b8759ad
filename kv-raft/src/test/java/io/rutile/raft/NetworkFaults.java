package io.rutile.raft;

import io.rutile.raft.transport.LinkFilter;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** A network between stores that can be cut, in one direction or both. */
final class NetworkFaults implements LinkFilter {

    private record Way(long from, long to) {}

    private final Set<Way> cut = ConcurrentHashMap.newKeySet();
    private final Set<Long> isolated = ConcurrentHashMap.newKeySet();

    @Override
    public boolean passes(long fromStore, long toStore) {
        return !isolated.contains(fromStore)
                && !isolated.contains(toStore)
                && !cut.contains(new Way(fromStore, toStore));
    }

    void isolate(long store) {
        isolated.add(store);
    }

    void cut(long from, long to) {
        cut.add(new Way(from, to));
    }

    void heal() {
        isolated.clear();
        cut.clear();
    }
}
