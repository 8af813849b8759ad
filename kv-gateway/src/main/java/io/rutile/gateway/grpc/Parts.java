package io.rutile.gateway.grpc;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.rutile.client.feed.Change;
import io.rutile.client.feed.ChangeBatch;
import io.rutile.client.raw.RawKv;
import io.rutile.gateway.kv.BatchRead;
import io.rutile.gateway.v1.BatchGetResponse;
import io.rutile.gateway.v1.Pair;
import io.rutile.gateway.v1.ScanResponse;
import io.rutile.gateway.v1.WatchResponse;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.Function;
import java.util.function.ToLongFunction;

/**
 * Cuts what was read into messages of a moderate size, made as they are asked for: a client's limit for messages, 4 MiB by default, is
 * only met by values of that size. Values are shared, not copied.
 */
final class Parts {

    /** Where a message ends: small enough to keep the transport's queue short, large enough to be worth a message. */
    private static final long PART_BYTES = 256 << 10;

    private static final int ITEM_OVERHEAD_BYTES = 16;

    private Parts() {}

    static Iterator<ScanResponse> of(List<RawKv.Pair> pairs) {
        return cut(
                pairs,
                Parts::bytesOf,
                part -> ScanResponse.newBuilder().addAllPairs(messages(part)).build());
    }

    static Iterator<BatchGetResponse> of(BatchRead.Result result) {
        Iterator<BatchGetResponse> read = cut(
                result.pairs(),
                Parts::bytesOf,
                part -> BatchGetResponse.newBuilder()
                        .addAllPairs(messages(part))
                        .build());
        Iterator<BatchGetResponse> unread = cut(
                result.unread(),
                key -> key.bytes().length,
                part -> BatchGetResponse.newBuilder()
                        .addAllUnreadKeys(
                                part.stream().map(ByteKey::toByteString).toList())
                        .build());
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return read.hasNext() || unread.hasNext();
            }

            @Override
            public BatchGetResponse next() {
                return read.hasNext() ? read.next() : unread.next();
            }
        };
    }

    /** @param range that positions are told for */
    static Iterator<WatchResponse> of(ChangeBatch batch, KeyRange range) {
        if (batch.changes().isEmpty()) {
            return List.of(WatchResponse.newBuilder()
                            .setPosition(batch.position().token(range))
                            .build())
                    .iterator();
        }
        return cut(
                batch.changes(),
                Change::sizeBytes,
                part -> WatchResponse.newBuilder()
                        .addAllChanges(part.stream().map(Parts::message).toList())
                        .setPosition(part.get(part.size() - 1).position().token(range))
                        .build());
    }

    private static io.rutile.gateway.v1.Change message(Change change) {
        io.rutile.gateway.v1.Change.Builder message = io.rutile.gateway.v1.Change.newBuilder()
                .setKey(change.key().toByteString())
                .setCommitTs(change.commitTs().value());
        byte[] value = change.value();
        return value == null ? message.build() : message.setValue(shared(value)).build();
    }

    static long bytesOf(RawKv.Pair pair) {
        return (long) pair.key().bytes().length + pair.value().length;
    }

    static List<Pair> messages(List<RawKv.Pair> pairs) {
        return pairs.stream()
                .map(pair -> Pair.newBuilder()
                        .setKey(pair.key().toByteString())
                        .setValue(shared(pair.value()))
                        .build())
                .toList();
    }

    /** The same bytes without a copy: nobody changes a value that was read. */
    static ByteString shared(byte[] value) {
        return UnsafeByteOperations.unsafeWrap(value);
    }

    /** A message has one item, or as many as stay below the moderate size. */
    private static <T, R> Iterator<R> cut(List<T> items, ToLongFunction<T> bytesOf, Function<List<T>, R> message) {
        return new Iterator<>() {
            private int from;

            @Override
            public boolean hasNext() {
                return from < items.size();
            }

            @Override
            public R next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                int to = from;
                long bytes = 0;
                do {
                    bytes += bytesOf.applyAsLong(items.get(to)) + ITEM_OVERHEAD_BYTES;
                    to++;
                } while (to < items.size() && bytes + bytesOf.applyAsLong(items.get(to)) <= PART_BYTES);
                List<T> part = items.subList(from, to);
                from = to;
                return message.apply(part);
            }
        };
    }
}
