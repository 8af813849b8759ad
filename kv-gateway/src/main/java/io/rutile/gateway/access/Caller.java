package io.rutile.gateway.access;

import io.rutile.gateway.kv.CallerQuota;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Somebody who may call. A transaction that stays open belongs to who opened it: to the same name with the same permissions. How much they may
 * have of the gateway makes nobody somebody else.
 *
 * @param name for logs: {@code token:…} with the name of an API token, {@code jwt:…} with a subject, or {@code anyone}
 * @param permissions what they may touch
 * @param quota how much they may have at a time
 */
public record Caller(String name, Permissions permissions, CallerQuota quota) {

    /** Everybody, at a gateway that asks nobody. */
    static final Caller ANYONE = new Caller("anyone", Permissions.EVERYTHING, CallerQuota.NONE);

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Caller caller && name.equals(caller.name) && permissions.equals(caller.permissions);
    }

    @Override
    public int hashCode() {
        return Objects.hash(name, permissions);
    }
}
