package io.rutile.raft.log;

import java.io.IOException;

/** The log's disk has refused a write or a sync. Final for this process: what a failed sync has lost can't be known (R9). */
public final class LogFailure extends IOException {

    private static final long serialVersionUID = 1L;

    LogFailure(String message, Throwable cause) {
        super(message, cause);
    }
}
