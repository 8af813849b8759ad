package io.rutile.storage.command;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.kvrpcpb.APIVersion;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.storage.mvcc.KeyFailure;
import io.rutile.storage.mvcc.MvccKey;
import java.util.List;
import java.util.Optional;

/** How a store encodes its raw values and which requests it serves. Fixed for the life of a store's data. */
public enum ApiVersion {
    /** Raw values are plain, transactions are served, nothing expires. */
    V1,
    /** Raw values carry the second at which they expire; raw requests only. */
    V1TTL,
    /** Key spaces of their own for raw and transactional data. */
    V2;

    /** What API V2 puts before a key: one byte of mode and three of key space. */
    public static final int PREFIX_BYTES = 4;

    private static final byte RAW_MODE = 'r';
    private static final byte TXN_MODE = 'x';

    /** True if raw values may expire. */
    public boolean hasTtl() {
        return this != V1;
    }

    /**
     * Whether this store serves a raw request: clients of V1 and of V1TTL both say V1, clients of V2 say V2 (E09).
     *
     * @return what is wrong, or empty
     */
    public Optional<String> refusalOfRaw(Context request) {
        APIVersion served = this == V2 ? APIVersion.V2 : APIVersion.V1;
        if (request.getApiVersion() == served) {
            return Optional.empty();
        }
        return Optional.of("Api version in request does not match with TiKV storage, storage: " + this + ", request: "
                + request.getApiVersion());
    }

    /**
     * Whether this store serves a transactional request for these keys: a store whose raw values expire serves none, one of V2
     * those of V2 clients in their key space (E09).
     *
     * @return what is wrong, or empty
     */
    public Optional<KeyError> refusalOfTxn(Context request, List<MvccKey> keys) {
        APIVersion wanted = request.getApiVersion();
        if (this == V1 && wanted == APIVersion.V1) {
            return Optional.empty();
        }
        if (this == V2 && wanted == APIVersion.V2) {
            return keys.stream().allMatch(key -> isInKeySpace(key.user(), TXN_MODE))
                    ? Optional.empty()
                    : invalidKeyMode(wanted);
        }
        if (this == V2 && wanted == APIVersion.V1) {
            // What a SQL server writes beside the key spaces; anything else of V1 could not be told from them.
            return keys.stream().allMatch(key -> isSqlKey(key.user())) ? Optional.empty() : invalidKeyMode(wanted);
        }
        return Optional.of(KeyFailure.refused(
                        "ApiVersionNotMatched", "storage_api_version: " + this + ", req_api_version: " + wanted)
                .error());
    }

    /** True if that is a key of API V2's raw key space. */
    public static boolean isRawKey(ByteKey key) {
        return isInKeySpace(key, RAW_MODE);
    }

    private static boolean isInKeySpace(ByteKey key, byte mode) {
        return key.bytes().length >= PREFIX_BYTES && key.bytes()[0] == mode;
    }

    private static boolean isSqlKey(ByteKey key) {
        return !key.isEmpty() && (key.bytes()[0] == 'm' || key.bytes()[0] == 't');
    }

    private static Optional<KeyError> invalidKeyMode(APIVersion wanted) {
        return Optional.of(KeyFailure.refused(
                        "InvalidKeyMode",
                        "req_api_version: " + wanted
                                + ", a transactional key of API V2 begins with 'x' and three bytes of key space")
                .error());
    }
}
