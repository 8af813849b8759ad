package io.rutile.storage.raw;

/**
 * A raw request that this store refuses for what it says: the text goes into the response's {@code error}.
 *
 * <p>An expected outcome, not a bug: it carries no stack trace. The texts are those that clients match on.
 */
public final class RawFailure extends RuntimeException {

    public RawFailure(String message) {
        super(message, null, false, false);
    }

    static RawFailure ttlNotEnabled(String request) {
        return new RawFailure("ttl is not enabled, but get " + request);
    }

    static RawFailure ttlsLength(int ttls, int pairs) {
        return new RawFailure("The length of ttls does not equal the length of pairs: " + ttls + " and " + pairs);
    }

    static RawFailure invalidCf(String cf) {
        return new RawFailure("invalid cf name: " + cf);
    }

    static RawFailure cfDeprecated(String cf) {
        return new RawFailure("cf is deprecated in API V2, cf name: " + cf);
    }

    static RawFailure keyTooLong(long size, int max) {
        return new RawFailure("max key size exceeded, size: " + size + ", limit: " + max);
    }

    static RawFailure invalidKeyMode() {
        return new RawFailure("InvalidKeyMode: a raw key of API V2 begins with 'r' and three bytes of key space");
    }

    static RawFailure invalidKeyRanges() {
        return new RawFailure("Invalid KeyRanges");
    }
}
