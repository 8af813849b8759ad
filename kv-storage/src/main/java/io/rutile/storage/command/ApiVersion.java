package io.rutile.storage.command;

import io.rutile.protocol.kvrpcpb.APIVersion;
import io.rutile.protocol.kvrpcpb.Context;
import java.util.Optional;

/** How a store encodes its raw values and which requests it serves. Fixed for the life of a store's data. */
public enum ApiVersion {
    /** Raw values are plain, transactions are served, nothing expires. */
    V1,
    /** Raw values carry the second at which they expire; raw requests only. */
    V1TTL,
    /** Key spaces of their own for raw and transactional data. */
    V2;

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
}
