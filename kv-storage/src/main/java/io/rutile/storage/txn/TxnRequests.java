package io.rutile.storage.txn;

import com.google.protobuf.ByteString;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.WireLimits;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.errorpb.RaftEntryTooLarge;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.Mutation;
import io.rutile.storage.mvcc.KeyFailure;
import io.rutile.storage.mvcc.MvccKey;
import java.util.ArrayList;
import java.util.List;

/** What a transactional request may carry (E1, R10), and its keys as they are stored. */
final class TxnRequests {

    /** Longest memcomparable key: longest raw key 7,279 bytes. */
    private static final int ENCODED_KEY_BYTES_MAX = 8 << 10;

    private TxnRequests() {}

    static List<MvccKey> keys(Context context, List<ByteString> users) {
        checkCount(context, users.size());
        List<MvccKey> keys = new ArrayList<>(users.size());
        for (ByteString user : users) {
            keys.add(MvccKey.of(user));
        }
        return keys;
    }

    static List<MvccKey> mutated(Context context, List<Mutation> mutations) {
        checkCount(context, mutations.size());
        List<MvccKey> keys = new ArrayList<>(mutations.size());
        for (Mutation mutation : mutations) {
            keys.add(MvccKey.of(mutation.getKey()));
        }
        return keys;
    }

    /** @throws KeyFailure if a lock on one of the keys could not be stored */
    static void checkLengths(List<MvccKey> keys) {
        for (MvccKey key : keys) {
            int length = key.encoded().bytes().length;
            if (length > ENCODED_KEY_BYTES_MAX) {
                throw KeyFailure.refused("KeyTooLarge", "size: " + length + ", limit: " + ENCODED_KEY_BYTES_MAX);
            }
        }
    }

    private static void checkCount(Context context, int items) {
        if (items > WireLimits.BATCH_ITEMS_MAX) {
            throw new RegionException(Error.newBuilder()
                    .setMessage("a request for " + items + " keys is larger than " + WireLimits.BATCH_ITEMS_MAX)
                    .setRaftEntryTooLarge(RaftEntryTooLarge.newBuilder()
                            .setRegionId(context.getRegionId())
                            .setEntrySize(items))
                    .build());
        }
    }
}
