package io.rutile.tls;

/** Whether a listener asks those who connect for a certificate. */
public enum ClientAuth {
    /** It does not ask. */
    NONE,
    /** Who shows one is looked at; who shows none is let in. */
    WANT,
    /** Nobody without one. */
    NEED
}
