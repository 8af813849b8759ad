package io.rutile.gateway.access;

import java.util.Locale;

/** One of the two worlds of keys; what one holds the other does not see. */
public enum Api {
    RAW,
    TXN;

    /** Its name in files and answers. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
