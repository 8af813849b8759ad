package io.rutile.tls;

import org.jspecify.annotations.Nullable;

/** Keys, certificates or settings that connections cannot be secured with. The message is one sentence for whoever gave them. */
public final class TlsException extends RuntimeException {

    private static final long serialVersionUID = 1;

    public TlsException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }

    public TlsException(String message) {
        this(message, null);
    }
}
