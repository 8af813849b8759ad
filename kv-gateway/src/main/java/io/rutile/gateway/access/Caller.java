package io.rutile.gateway.access;

/**
 * Somebody who may call. A transaction that stays open belongs to who opened it: to the same name with the same permissions.
 *
 * @param name for logs: {@code token:…} with the name of an API token, {@code jwt:…} with a subject, or {@code anyone}
 * @param permissions what they may touch
 */
public record Caller(String name, Permissions permissions) {

    /** Everybody, at a gateway that asks nobody. */
    static final Caller ANYONE = new Caller("anyone", Permissions.EVERYTHING);
}
