package io.rutile.client.feed;

import io.rutile.protocol.KeyRange;
import io.rutile.protocol.TimeStamp;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.zip.CRC32C;

/**
 * A place in the order of a range's changes, which is by commit timestamp, then by key: everything committed before {@code ts} lies behind
 * it, and so do the first {@code count} changes committed at {@code ts}.
 *
 * <p>It means the same to every client, at every time, as long as the versions from there on are kept: until the safe point of garbage
 * collection has passed {@code ts - 1}.
 *
 * <p>As text ({@link #token}), URL-safe base64 without padding of
 *
 * <pre>
 * token := version(1)=01 ts(8, big-endian) count(4, big-endian) crc32c(4)
 * crc32c covers version, ts, count, then the range that it is a place in: start, a zero byte, end
 * </pre>
 *
 * so that a text that was cut, mistyped or taken for another range is told from a good one. It is no secret and no signature.
 *
 * @param ts above 0
 * @param count 0 or more
 */
public record FeedPosition(TimeStamp ts, int count) implements Comparable<FeedPosition> {

    /** First byte of a token: room for other kinds of places. */
    private static final byte VERSION = 1;

    private static final int CHECKED_BYTES = 1 + Long.BYTES + Integer.BYTES;
    private static final int TOKEN_BYTES = CHECKED_BYTES + Integer.BYTES;

    public FeedPosition {
        if (ts.equals(TimeStamp.ZERO) || count < 0) {
            throw new IllegalArgumentException("no place in a feed: ts=" + ts + " count=" + count);
        }
    }

    /** Right behind everything that is or will be committed at that timestamp or before. */
    public static FeedPosition after(TimeStamp ts) {
        return new FeedPosition(new TimeStamp(ts.value() + 1), 0);
    }

    /** Everything committed up to here, inclusive, lies behind it. */
    public TimeStamp checkpoint() {
        return new TimeStamp(ts.value() - 1);
    }

    /** @param range that it is a place in, as applications know it */
    public String token(KeyRange range) {
        byte[] token = ByteBuffer.allocate(TOKEN_BYTES)
                .put(VERSION)
                .putLong(ts.value())
                .putInt(count)
                .array();
        ByteBuffer.wrap(token).putInt(CHECKED_BYTES, checksum(token, range));
        return text(token);
    }

    private static String text(byte[] token) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(token);
    }

    /**
     * Reads what {@link #token} wrote.
     *
     * @throws IllegalArgumentException with words for a person if it is no token, or one of another range
     */
    public static FeedPosition parse(String token, KeyRange range) {
        byte[] bytes;
        try {
            bytes = Base64.getUrlDecoder().decode(token);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("this is no position of a feed", e);
        }
        if (bytes.length > 0 && bytes[0] != VERSION) {
            throw new IllegalArgumentException("a position of a kind that is not known here");
        }
        // Of the last letter two bits are no part of any byte.
        if (bytes.length != TOKEN_BYTES || !text(bytes).equals(token)) {
            throw new IllegalArgumentException("this is no position of a feed");
        }
        ByteBuffer in = ByteBuffer.wrap(bytes);
        if (in.getInt(CHECKED_BYTES) != checksum(bytes, range)) {
            throw new IllegalArgumentException("the position is damaged, or one of other keys than are watched");
        }
        return new FeedPosition(new TimeStamp(in.getLong(1)), in.getInt(1 + Long.BYTES));
    }

    private static int checksum(byte[] token, KeyRange range) {
        CRC32C crc = new CRC32C();
        crc.update(token, 0, CHECKED_BYTES);
        crc.update(range.start().bytes());
        crc.update(0);
        crc.update(range.end().bytes());
        return (int) crc.getValue();
    }

    @Override
    public int compareTo(FeedPosition other) {
        int byTs = ts.compareTo(other.ts);
        return byTs != 0 ? byTs : Integer.compare(count, other.count);
    }

    @Override
    public String toString() {
        return ts + "+" + count;
    }
}
