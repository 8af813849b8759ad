package io.rutile.client;

import io.rutile.client.KvClientException.Kind;
import io.rutile.client.region.KeySpace;
import io.rutile.protocol.keyspacepb.KeyspaceMeta;
import io.rutile.protocol.keyspacepb.KeyspaceState;

/**
 * A named part of a cluster of API V2. Its raw and its transactional data are apart from each other, and from those of every other
 * keyspace.
 *
 * @param name as PD knows it
 * @param id 0 to 2^24-1; never changes and is never given to another name (T2)
 */
public record Keyspace(String name, int id) {

    public Keyspace {
        if (id < 0 || id > KeySpace.KEYSPACE_ID_MAX) {
            throw new IllegalArgumentException("keyspace id out of range: " + id);
        }
    }

    /** @throws KvClientException {@code INVALID} unless it is enabled: clients of the field do not enter others either */
    static Keyspace enabled(KeyspaceMeta meta) {
        if (meta.getState() != KeyspaceState.ENABLED) {
            throw new KvClientException(
                    Kind.INVALID, "keyspace '" + meta.getName() + "' is not enabled: " + meta.getState(), null, null);
        }
        int id = meta.hasKeyspaceIdentity() ? meta.getKeyspaceIdentity().getKeyspaceId() : meta.getId();
        return new Keyspace(meta.getName(), id);
    }

    /** For {@link RutileClient#raw(KeySpace)}. */
    public KeySpace raw() {
        return KeySpace.rawV2(id);
    }

    /** For {@link RutileClient#txn(KeySpace)}. */
    public KeySpace txn() {
        return KeySpace.txnV2(id);
    }
}
