package io.rutile.cli.cluster;

import org.jspecify.annotations.Nullable;

/** Something a person has to know or do; the message is one clear sentence that stands on its own. */
public final class ClusterException extends RuntimeException {

    public ClusterException(String sentence) {
        this(sentence, null);
    }

    public ClusterException(String sentence, @Nullable Throwable cause) {
        super(sentence, cause);
    }
}
