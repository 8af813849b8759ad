package io.rutile.cli.workload;

import io.rutile.client.KvClientException;
import io.rutile.protocol.ByteKey;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A store of raw pairs as a workload sees it. Calls block, each for a bounded time. Safe from any thread. */
public interface RawStore {

    /** @throws KvClientException if it is not known to be done; it may be, now, later or never */
    void put(ByteKey key, byte[] value);

    /** @throws KvClientException if there is no answer */
    Optional<byte[]> get(ByteKey key);

    /** Those that are there. @throws KvClientException if there is no answer */
    Map<ByteKey, byte[]> getAll(List<ByteKey> keys);
}
