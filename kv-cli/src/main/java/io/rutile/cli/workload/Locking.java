package io.rutile.cli.workload;

/** When a transaction meets its conflicts. */
public enum Locking {
    /** At commit. */
    OPTIMISTIC,
    /** When it locks a key. */
    PESSIMISTIC
}
