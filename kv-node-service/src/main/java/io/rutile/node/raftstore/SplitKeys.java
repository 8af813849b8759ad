package io.rutile.node.raftstore;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.MemComparable;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.KvCursor;
import io.rutile.storage.engine.RocksEngine;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Finds keys that cut a range into pieces of about the same size. It asks the engine how much lies in front of a key, which costs
 * microseconds, instead of reading the data.
 *
 * <p>What it finds is a memcomparable encoding wherever one lies in a good place, also between raw keys: transactional clients read
 * Region borders as encodings and fail on others. Between two raw keys of API V1 that begin with the same 8 bytes there may be none
 * (the byte behind them says how much of a group is padding, 0xF7 or more). Then a raw key is taken if no transactional record is
 * in the range and the options allow it. See docs/decisions/0008-borders-are-encodings.md.
 *
 * <p>Thread-safe; reads the engine's indexes and a few blocks.
 */
final class SplitKeys implements LoadSplitChecker.Borders {

    private static final List<Cf> TXN = List.of(Cf.LOCK, Cf.WRITE, Cf.DEFAULT);

    /** Bytes of a transactional key behind the encoding of the user's key: a timestamp. */
    private static final int TS_BYTES = Long.BYTES;

    private static final int GROUP = 8;

    /** How many times the place is narrowed down by 8 bytes of key. */
    private static final int DEPTH_MAX = 16;

    private final RocksEngine engine;
    private final boolean encodedOnly;

    SplitKeys(RocksEngine engine, boolean encodedOnly) {
        this.engine = engine;
        this.encodedOnly = encodedOnly;
    }

    /**
     * Ascending keys strictly inside the range; fewer than asked for where no good place is found, none if the range can't be cut.
     *
     * @param pieces at least 2
     */
    List<ByteKey> evenly(KeyRange range, int pieces) {
        Optional<KeyRange> filled = filled(range);
        if (filled.isEmpty()) {
            return List.of();
        }
        long total = sizeBefore(range, null);
        boolean rawAllowed = isRawAllowed(range);
        List<ByteKey> borders = new ArrayList<>();
        ByteKey last = range.start();
        for (int i = 1; i < pieces; i++) {
            Optional<ByteKey> border = border(range, filled.get(), total * i / pieces, total / pieces / 2, rawAllowed);
            if (border.isPresent() && border.get().compareTo(last) > 0) {
                borders.add(border.get());
                last = border.get();
            }
        }
        return borders;
    }

    private boolean isRawAllowed(KeyRange range) {
        return !encodedOnly && TXN.stream().noneMatch(cf -> firstAt(cf, range, range.start()) != null);
    }

    /** @param slack how far from {@code target} bytes a border may be */
    private Optional<ByteKey> border(KeyRange range, KeyRange filled, long target, long slack, boolean rawAllowed) {
        ByteKey place = place(range, filled, target, Math.max(1, slack / 8));
        Optional<ByteKey> encoded = nearest(range, encodings(range, place), target, slack);
        return encoded.isPresent() || !rawAllowed
                ? encoded
                : nearest(range, storedRawKeys(range, place), target, slack);
    }

    private Optional<ByteKey> nearest(KeyRange range, List<ByteKey> candidates, long target, long slack) {
        ByteKey best = null;
        long bestOff = Long.MAX_VALUE;
        for (ByteKey candidate : candidates) {
            if (candidate.compareTo(range.start()) <= 0 || !range.contains(candidate)) {
                continue;
            }
            long off = Math.abs(sizeBefore(range, candidate) - target);
            if (off <= slack && off < bestOff) {
                best = candidate;
                bestOff = off;
            }
        }
        return Optional.ofNullable(best);
    }

    // ---- where

    /** Any bytes that have about {@code target} bytes of data in front of them: halving the space of keys, 8 bytes at a time. */
    private ByteKey place(KeyRange range, KeyRange filled, long target, long tolerance) {
        byte[] prefix = commonPrefix(filled.start().bytes(), filled.end().bytes());
        BigInteger low = group(filled.start().bytes(), prefix.length);
        BigInteger high = group(filled.end().bytes(), prefix.length).add(BigInteger.ONE);
        ByteKey place = filled.start();
        for (int depth = 0; depth < DEPTH_MAX; depth++) {
            while (high.subtract(low).compareTo(BigInteger.ONE) > 0) {
                BigInteger middle = low.add(high).shiftRight(1);
                place = key(prefix, middle);
                long before = sizeBefore(range, place);
                if (Math.abs(before - target) <= tolerance) {
                    return place;
                }
                if (before < target) {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            place = key(prefix, low);
            prefix = place.bytes();
            low = BigInteger.ZERO;
            high = BigInteger.ONE.shiftLeft(Byte.SIZE * GROUP);
        }
        return place;
    }

    private static byte[] commonPrefix(byte[] a, byte[] b) {
        int at = Arrays.mismatch(a, b);
        return Arrays.copyOf(a, at < 0 ? a.length : at);
    }

    /** The 8 bytes from an offset on as a number; zeros where the key has ended. */
    private static BigInteger group(byte[] key, int from) {
        return new BigInteger(1, Arrays.copyOfRange(Arrays.copyOf(key, from + GROUP), from, from + GROUP));
    }

    private static ByteKey key(byte[] prefix, BigInteger group) {
        byte[] key = Arrays.copyOf(prefix, prefix.length + GROUP);
        for (int i = 0; i < GROUP; i++) {
            key[prefix.length + i] =
                    group.shiftRight(Byte.SIZE * (GROUP - 1 - i)).byteValue();
        }
        return ByteKey.wrap(key);
    }

    /** Bytes of data in front of a key; of all data if it is null. */
    private long sizeBefore(KeyRange range, @Nullable ByteKey key) {
        KeyRange before = new KeyRange(range.start(), key == null ? range.end() : key);
        long bytes = 0;
        for (Cf cf : RegionStateStore.DATA) {
            bytes += engine.approximateSizeBytes(cf, before);
        }
        return bytes;
    }

    // ---- what

    /** Encodings near a place: those of what is stored there, and those of the first bytes of the place itself. */
    @Override
    public List<ByteKey> encodings(KeyRange range, ByteKey place) {
        List<ByteKey> found = new ArrayList<>();
        for (Cf cf : RegionStateStore.DATA) {
            byte[] stored = firstAt(cf, range, place);
            if (stored != null) {
                encoding(cf, stored).ifPresent(found::add);
            }
        }
        byte[] bytes = place.bytes();
        for (int length = 1; length <= Math.min(GROUP, bytes.length); length++) {
            found.add(ByteKey.wrap(MemComparable.encode(Arrays.copyOf(bytes, length))));
        }
        return found;
    }

    private static Optional<ByteKey> encoding(Cf cf, byte[] stored) {
        boolean stamped = cf == Cf.WRITE || cf == Cf.DEFAULT;
        int length = stamped ? stored.length - TS_BYTES : stored.length;
        if (length <= 0) {
            return Optional.empty();
        }
        byte[] key = Arrays.copyOf(stored, length);
        try {
            MemComparable.decode(key);
            return Optional.of(ByteKey.wrap(key));
        } catch (IllegalArgumentException noEncoding) {
            return Optional.empty();
        }
    }

    @Override
    public List<ByteKey> rawKeys(KeyRange range, ByteKey place) {
        return isRawAllowed(range) ? storedRawKeys(range, place) : List.of();
    }

    private List<ByteKey> storedRawKeys(KeyRange range, ByteKey place) {
        List<ByteKey> found = new ArrayList<>();
        for (Cf cf : List.of(Cf.RAW, Cf.RAW_LOCK, Cf.RAW_WRITE)) {
            byte[] stored = firstAt(cf, range, place);
            if (stored != null) {
                found.add(ByteKey.wrap(stored));
            }
        }
        return found;
    }

    private byte @Nullable [] firstAt(Cf cf, KeyRange range, ByteKey from) {
        try (KvCursor cursor = engine.cursor(cf, range)) {
            cursor.seek(from.bytes());
            return cursor.isValid() ? cursor.key() : null;
        }
    }

    /** From the first key that is stored to the last one, both inclusive; empty if there are not two. */
    private Optional<KeyRange> filled(KeyRange range) {
        ByteKey first = null;
        ByteKey last = null;
        for (Cf cf : RegionStateStore.DATA) {
            try (KvCursor cursor = engine.cursor(cf, range)) {
                cursor.seekToFirst();
                if (!cursor.isValid()) {
                    continue;
                }
                ByteKey low = ByteKey.wrap(cursor.key());
                cursor.seekToLast();
                ByteKey high = cursor.isValid() ? ByteKey.wrap(cursor.key()) : low;
                first = first == null || low.compareTo(first) < 0 ? low : first;
                last = last == null || high.compareTo(last) > 0 ? high : last;
            }
        }
        return first == null || last == null || first.compareTo(last) >= 0
                ? Optional.empty()
                : Optional.of(new KeyRange(first, last));
    }
}
