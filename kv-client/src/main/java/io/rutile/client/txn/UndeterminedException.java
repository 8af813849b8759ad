package io.rutile.client.txn;

import io.rutile.protocol.TimeStamp;
import org.jspecify.annotations.Nullable;

/**
 * The answer to the request that decides was lost, and it could not be found out in time what became of it: the transaction may be
 * committed, now or a little later, or never ({@code UNDETERMINED}). Read before writing again.
 */
public final class UndeterminedException extends TxnException {

    UndeterminedException(TimeStamp startTs, @Nullable Throwable cause) {
        super(
                Kind.UNDETERMINED,
                "transaction " + startTs + " may or may not be committed"
                        + (cause == null ? "" : "; last: " + cause.getMessage()),
                startTs,
                cause);
    }
}
