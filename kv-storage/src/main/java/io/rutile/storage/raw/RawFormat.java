package io.rutile.storage.raw;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.MemComparable;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.storage.command.ApiVersion;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.ReadBuffer;
import java.time.Clock;

/**
 * What raw requests and raw data of one store look like: which API version it serves, which column families it has, how values
 * are encoded, and what time it is.
 *
 * @param apiVersion fixed for the life of the store's data
 * @param clock tells which pairs have expired
 */
public record RawFormat(ApiVersion apiVersion, Clock clock) {

    /**
     * The column family that a request names.
     *
     * @throws RawFailure if it doesn't exist, or the request is of another API version (E09)
     */
    Cf cf(Context request, String name) {
        checkApiVersion(request);
        if (apiVersion == ApiVersion.V2 && !name.isEmpty()) {
            throw RawFailure.cfDeprecated(name);
        }
        return switch (name) {
            case "", "default" -> Cf.RAW;
            case "write" -> Cf.RAW_WRITE;
            case "lock" -> Cf.RAW_LOCK;
            default -> throw RawFailure.invalidCf(name);
        };
    }

    void checkApiVersion(Context request) {
        apiVersion.refusalOfRaw(request).ifPresent(text -> {
            throw new RawFailure(text);
        });
    }

    /**
     * The key as it is stored and routed by: as it is, on V2 memcomparable.
     *
     * @throws RawFailure on V2 if it is not in the raw key space
     */
    ByteKey stored(ByteKey user) {
        if (apiVersion != ApiVersion.V2) {
            return user;
        }
        if (!ApiVersion.isRawKey(user)) {
            throw RawFailure.invalidKeyMode();
        }
        return ByteKey.wrap(MemComparable.encode(user.bytes()));
    }

    /** The same for a key that is written. @throws RawFailure also if it is too long */
    ByteKey storedAnew(ByteKey user) {
        RawLimits.checkKey(user, apiVersion);
        return stored(user);
    }

    /** The same for the border of a range: empty stays empty, and on V2 it may be that of the key space. No border is too long. */
    ByteKey storedBound(ByteKey bound) {
        return bound.isEmpty() || apiVersion != ApiVersion.V2
                ? bound
                : ByteKey.wrap(MemComparable.encode(bound.bytes()));
    }

    KeyRange stored(KeyRange range) {
        return new KeyRange(storedBound(range.start()), storedBound(range.end()));
    }

    /** The key as the client knows it. */
    ByteKey user(byte[] stored) {
        return ByteKey.wrap(apiVersion == ApiVersion.V2 ? MemComparable.decode(stored) : stored);
    }

    /** The same in place. @return length of the key */
    int user(ReadBuffer stored) {
        return apiVersion == ApiVersion.V2
                ? MemComparable.decode(stored.array(), stored.length(), stored.array())
                : stored.length();
    }

    /** @throws RawFailure if there is a ttl and the store knows none */
    void checkTtl(long ttlSeconds) {
        if (ttlSeconds != 0 && !apiVersion.hasTtl()) {
            throw RawFailure.ttlNotEnabled("put request with ttl");
        }
    }

    /** Seconds since 1970: the unit of expiry. */
    long nowSeconds() {
        return clock.instant().getEpochSecond();
    }

    byte[] encode(byte[] value, long ttlSeconds, long nowSeconds) {
        return RawValue.expiringAfter(value, ttlSeconds, nowSeconds).encode(apiVersion);
    }

    RawValue decode(byte[] stored) {
        return RawValue.decode(stored, apiVersion);
    }

    /** How many of a stored value's bytes the client gave; -1 if it is expired. */
    int livingBytes(ReadBuffer stored, long nowSeconds) {
        int bytes = RawValue.valueBytes(stored.length(), apiVersion);
        boolean expired = apiVersion.hasTtl() && RawValue.isExpired(RawValue.expiry(stored.array(), bytes), nowSeconds);
        return expired ? -1 : bytes;
    }
}
