package io.rutile.client.raw;

import io.rutile.client.KvClientException;
import io.rutile.client.KvClientException.Kind;
import io.rutile.protocol.ScanPage;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.KvPair;
import java.util.List;
import java.util.Locale;

/** Reads the texts with which a store refuses a raw request: the protocol has no codes for them. */
final class RawErrors {

    /** Substrings of what a store says when the request itself is wrong, lower case. */
    private static final List<String> REQUEST_IS_WRONG = List.of(
            "ttl is not enabled",
            "invalid cf name",
            "cf is deprecated",
            "max key size exceeded",
            "the length of ttls",
            "invalid keyranges",
            "api version",
            "invalidkeymode");

    private RawErrors() {}

    /** @throws KvClientException if the text says anything */
    static void check(String method, String error) {
        if (!error.isEmpty()) {
            throw new KvClientException(kindOf(error), method + ": " + error, null, null);
        }
    }

    /** @throws KvClientException if one of the pairs is an error in place of a pair */
    static void check(String method, List<KvPair> pairs) {
        for (KvPair pair : pairs) {
            if (pair.hasError()) {
                throwAs(method, pair.getError());
            }
        }
    }

    /** The same for a page of a scan. */
    static void check(String method, ScanPage page) {
        if (!page.pairErrors().isEmpty()) {
            throwAs(method, page.pairErrors().get(0));
        }
    }

    private static void throwAs(String method, KeyError error) {
        String text = error.getAbort().isEmpty() ? error.getRetryable() : error.getAbort();
        check(method, text.isEmpty() ? "the store answered an error for a key" : text);
    }

    private static Kind kindOf(String error) {
        String lower = error.toLowerCase(Locale.ROOT);
        return REQUEST_IS_WRONG.stream().anyMatch(lower::contains) ? Kind.INVALID : Kind.SERVER;
    }
}
