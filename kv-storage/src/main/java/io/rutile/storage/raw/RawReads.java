package io.rutile.storage.raw;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.WireLimits;
import io.rutile.storage.command.AnswerBudget;
import io.rutile.storage.command.ReadPool;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.KvSnapshot;
import io.rutile.storage.engine.ReplicaRead;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;

/** Reads of single raw keys. An expired pair is absent from the second on at which it expires. */
public final class RawReads {

    private final ReadPool reads;
    private final RawFormat format;
    private final long answerBytesMax;

    public RawReads(ReadPool reads, RawFormat format, long answerBytesMax) {
        this.reads = reads;
        this.format = format;
        this.answerBytesMax = answerBytesMax;
    }

    public CompletableFuture<Optional<byte[]>> get(KvContext ctx, String cfName, ByteKey key) {
        Cf cf = format.cf(ctx.request(), cfName);
        ByteKey stored = format.stored(key);
        return reads.readFew(
                ctx.reading(() -> ReplicaRead.RAW),
                snapshot -> live(snapshot, cf, stored, format.nowSeconds()).map(RawValue::value));
    }

    public CompletableFuture<List<RawPair>> batchGet(KvContext ctx, String cfName, List<ByteKey> keys) {
        Cf cf = format.cf(ctx.request(), cfName);
        RawLimits.checkItems(ctx, keys.size(), WireLimits.BATCH_ITEMS_MAX);
        return reads.read(ctx.reading(() -> ReplicaRead.RAW), snapshot -> {
            AnswerBudget budget = new AnswerBudget(ctx, answerBytesMax);
            long now = format.nowSeconds();
            List<RawPair> found = new ArrayList<>(keys.size());
            for (ByteKey key : keys) {
                budget.look();
                live(snapshot, cf, format.stored(key), now).ifPresent(value -> {
                    budget.take(key.bytes().length, value.value().length);
                    found.add(new RawPair(key, value.value()));
                });
            }
            return found;
        });
    }

    /**
     * How long a pair still lives.
     *
     * @return seconds left, 0 for never; empty if the key is absent
     */
    public CompletableFuture<OptionalLong> ttl(KvContext ctx, String cfName, ByteKey key) {
        Cf cf = format.cf(ctx.request(), cfName);
        if (!format.apiVersion().hasTtl()) {
            throw RawFailure.ttlNotEnabled("ttl request");
        }
        ByteKey stored = format.stored(key);
        return reads.readFew(ctx.reading(() -> ReplicaRead.RAW), snapshot -> {
            long now = format.nowSeconds();
            return live(snapshot, cf, stored, now)
                    .map(value -> OptionalLong.of(value.ttlSeconds(now)))
                    .orElse(OptionalLong.empty());
        });
    }

    private Optional<RawValue> live(KvSnapshot snapshot, Cf cf, ByteKey key, long now) {
        return Optional.ofNullable(snapshot.get(cf, key)).map(format::decode).filter(value -> !value.isExpired(now));
    }
}
