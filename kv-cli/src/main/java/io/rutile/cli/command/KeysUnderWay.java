package io.rutile.cli.command;

import io.rutile.protocol.ByteKey;
import java.util.Collection;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Keys of calls that have not answered yet: at most as many as the calls under way hold. Safe from any thread. */
final class KeysUnderWay {

    private final Set<ByteKey> keys = ConcurrentHashMap.newKeySet();

    boolean hasAnyOf(Collection<ByteKey> some) {
        return some.stream().anyMatch(keys::contains);
    }

    void add(Collection<ByteKey> some) {
        keys.addAll(some);
    }

    void remove(Collection<ByteKey> some) {
        some.forEach(keys::remove);
    }
}
