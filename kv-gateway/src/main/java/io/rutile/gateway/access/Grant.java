package io.rutile.gateway.access;

import io.rutile.protocol.ByteKey;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One permission over all keys that begin alike.
 *
 * @param permission what may be done
 * @param apis in which worlds of keys, at least one; for {@code ADMIN} they mean nothing
 * @param prefix the keys; empty for all of them, and for {@code ADMIN}
 * @param keyspace only at gateways of this keyspace; null for any gateway
 */
public record Grant(
        Permission permission,
        Set<Api> apis,
        ByteKey prefix,
        @Nullable String keyspace) {

    public Grant {
        if (apis.isEmpty()) {
            throw new IllegalArgumentException("a grant is for an API");
        }
        if (permission == Permission.ADMIN && !prefix.isEmpty()) {
            throw new IllegalArgumentException("admin is about the gateway: it has no prefix");
        }
        apis = Set.copyOf(apis);
    }

    /** A permission over everything. */
    static Grant everywhere(Permission permission) {
        return new Grant(permission, EnumSet.allOf(Api.class), ByteKey.EMPTY, null);
    }
}
