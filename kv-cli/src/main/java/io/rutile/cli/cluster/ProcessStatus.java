package io.rutile.cli.cluster;

import org.jspecify.annotations.Nullable;

/**
 * One process as it is now.
 *
 * @param spec who it is
 * @param pid its process id, null if it isn't running
 * @param state what it can do
 */
public record ProcessStatus(ServiceSpec spec, @Nullable Long pid, State state) {

    /** What a process can do. */
    public enum State {
        STOPPED,
        /** Alive, but its readiness says no, or nothing yet. */
        STARTING,
        /** May serve. */
        READY
    }
}
