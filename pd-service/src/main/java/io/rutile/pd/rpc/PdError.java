package io.rutile.pd.rpc;

import io.rutile.protocol.pdpb.ErrorType;

/** A refusal that travels in the response header with an OK status. Expected; carries no stack trace. */
final class PdError extends RuntimeException {

    private final ErrorType type;

    PdError(ErrorType type, String message) {
        super(message, null, false, false);
        this.type = type;
    }

    static PdError unknown(String message) {
        return new PdError(ErrorType.UNKNOWN, message);
    }

    static PdError notBootstrapped() {
        return new PdError(ErrorType.NOT_BOOTSTRAPPED, "cluster is not bootstrapped");
    }

    /** Clients match on this text. */
    static PdError storeNotFound(long storeId) {
        return unknown(storeNotFoundText(storeId));
    }

    static String storeNotFoundText(long storeId) {
        return "invalid store ID " + storeId + ", not found";
    }

    static PdError keyspaceNotFound(int keyspaceId) {
        return new PdError(ErrorType.ENTRY_NOT_FOUND, "no keyspace has the id " + Integer.toUnsignedString(keyspaceId));
    }

    ErrorType type() {
        return type;
    }
}
