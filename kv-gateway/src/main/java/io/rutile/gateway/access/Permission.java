package io.rutile.gateway.access;

import java.util.Locale;

/** What may be done. None includes another one: who may write need not be able to read. */
public enum Permission {
    /** See values, and whether keys are there. Leaves nothing behind that others run into. */
    READ,
    /** Write, delete, and lock: a lock keeps writers away. */
    WRITE,
    /** Operate the gateway and look at the cluster: what its management port and {@code /v1/cluster} serve. Values are none of it. */
    ADMIN;

    /** Its name in files and answers. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
