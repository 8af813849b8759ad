package io.rutile.cli.bench.load;

import io.rutile.client.KvClientException;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/** What became of a request of an open loop; of each, one. */
public enum Fate {
    ACCEPTED("accepted"),
    /** The store asked to slow down until the deadline was over. */
    BUSY("busy"),
    /** The deadline is over, and an attempt may have been carried out. */
    DEADLINE("deadline"),
    /** The deadline is over, and no attempt can have been carried out: none left this process in time, or no leader was found. */
    UNREACHED("unreached"),
    /** Any other error. */
    OTHER("other"),
    /** Due, but so many were under way, or the generator came so late, that it was never sent. */
    NOT_BEGUN("not begun");

    private final String label;

    Fate(String label) {
        this.label = label;
    }

    public String label() {
        return label;
    }

    /** @param failure null for a success */
    static Fate of(@Nullable Throwable failure) {
        if (failure == null) {
            return ACCEPTED;
        }
        if (cause(failure) instanceof KvClientException client) {
            return switch (client.kind()) {
                case BUSY -> BUSY;
                case TIMEOUT -> DEADLINE;
                case UNAVAILABLE -> UNREACHED;
                default -> OTHER;
            };
        }
        return OTHER;
    }

    /** What has failed, without what futures put around it. */
    static Throwable cause(Throwable failure) {
        Throwable cause = failure.getCause();
        return failure instanceof CompletionException && cause != null ? cause : failure;
    }
}
