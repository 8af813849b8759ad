package io.rutile.raft.log;

import java.io.IOException;

/** The directory holds the log of another store, cluster or format. */
public final class ForeignLogException extends IOException {

    private static final long serialVersionUID = 1L;

    ForeignLogException(String message) {
        super(message);
    }
}
