package io.rutile.node.raftstore;

import com.google.protobuf.ByteString;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.EngineSnapshot;
import io.rutile.storage.engine.KvCursor;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * All that a replica holds at one index, as one number: equal on every replica, or one of them is wrong.
 *
 * <pre>
 * hash    := SHA-256 of region record*
 * region  := id(8) field(start_key) field(end_key) conf_ver(8) version(8) peer*
 * peer    := peer_id(8) store_id(8) role(4)                  in the order of the Region
 * record  := id of the column family(1) field(key) field(value)      column families in order of id, keys ascending
 * field   := length(4) bytes
 * </pre>
 *
 * <p>Stored bytes are hashed, not what a reader would see, so no clock has a part in it: a raw value whose time is up counts until it
 * is deleted. Which of the peers a replica is does not count.
 *
 * @param value {@link #BYTES} bytes
 * @param records that were read
 * @param bytes of their keys and values
 */
record RegionHash(ByteString value, long records, long bytes) {

    static final int BYTES = 32;

    /** How fast it may go. */
    interface Pace {

        /**
         * So much has been read since the call before; may wait.
         *
         * @throws InterruptedException if nobody wants the result any more
         */
        void read(long bytes) throws InterruptedException;
    }

    private static final long STRETCH_BYTES = 256 << 10;

    /**
     * Reads a whole Region.
     *
     * @param snapshot of the engine; only the Region's range is read, past the cache
     * @throws io.rutile.storage.engine.EngineException if the disk fails
     */
    static RegionHash of(EngineSnapshot snapshot, Region region, Pace pace) throws InterruptedException {
        Sum sum = new Sum();
        sum.add(region);
        long paced = 0;
        for (Cf cf : RegionStateStore.DATA) {
            try (KvCursor cursor = snapshot.coldCursor(cf, RaftStore.rangeOf(region))) {
                for (cursor.seekToFirst(); cursor.isValid(); cursor.next()) {
                    sum.add(cf, cursor.key(), cursor.value());
                    if (sum.bytes - paced >= STRETCH_BYTES) {
                        pace.read(sum.bytes - paced);
                        paced = sum.bytes;
                    }
                }
            }
        }
        pace.read(sum.bytes - paced);
        return new RegionHash(ByteString.copyFrom(sum.digest.digest()), sum.records, sum.bytes);
    }

    String hex() {
        return hex(value);
    }

    static String hex(ByteString hash) {
        return HexFormat.of().formatHex(hash.toByteArray());
    }

    /** For one thread. */
    private static final class Sum {

        private final MessageDigest digest;
        private final ByteBuffer numbers = ByteBuffer.allocate(Long.BYTES);
        private long records;
        private long bytes;

        Sum() {
            try {
                digest = MessageDigest.getInstance("SHA-256");
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("every Java has SHA-256", e);
            }
        }

        void add(Region region) {
            number(region.getId());
            field(region.getStartKey().toByteArray());
            field(region.getEndKey().toByteArray());
            number(region.getRegionEpoch().getConfVer());
            number(region.getRegionEpoch().getVersion());
            for (Peer peer : region.getPeersList()) {
                number(peer.getId());
                number(peer.getStoreId());
                length(peer.getRoleValue());
            }
        }

        void add(Cf cf, byte[] key, byte[] value) {
            digest.update((byte) cf.id());
            field(key);
            field(value);
            records++;
            bytes += (long) key.length + value.length;
        }

        private void field(byte[] content) {
            length(content.length);
            digest.update(content);
        }

        private void number(long value) {
            digest.update(numbers.clear().putLong(value).flip());
        }

        private void length(int value) {
            digest.update(numbers.clear().putInt(value).flip());
        }
    }
}
