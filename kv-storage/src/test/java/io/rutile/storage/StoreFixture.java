package io.rutile.storage;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.InvalidProtocolBufferException;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.PairBytes;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.RawScanResponse;
import io.rutile.storage.command.ApiVersion;
import io.rutile.storage.command.Failures;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.LocalKv;
import io.rutile.storage.raw.RawCasRequest;
import io.rutile.storage.raw.RawFailure;
import io.rutile.storage.raw.RawPair;
import io.rutile.storage.raw.RawScan;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** A {@link Storage} over one local engine, with short words for what conformance cases say. */
public final class StoreFixture implements AutoCloseable {

    public final ManualClock clock = new ManualClock();
    public final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    public final LocalKv kv;
    public final Storage storage;

    public StoreFixture(LocalKv kv, StorageOptions options) {
        this.kv = kv;
        this.storage = new Storage(kv, options, clock, metrics);
    }

    public static StoreFixture of(ApiVersion version, Path directory) {
        return new StoreFixture(LocalKv.open(directory), StorageOptions.of(version));
    }

    public static StoreFixture withRegion(Path directory, String start, String end) {
        return new StoreFixture(
                LocalKv.open(directory, range(start, end), Runnable::run), StorageOptions.of(ApiVersion.V1));
    }

    public static Context request() {
        return Context.newBuilder().setRegionId(LocalKv.REGION_ID).build();
    }

    public static KvContext ctx() {
        return ctx(Duration.ofSeconds(30));
    }

    public static KvContext ctx(Duration patience) {
        return KvContext.of(request(), System.nanoTime() + patience.toNanos());
    }

    public static ByteKey key(String text) {
        return ByteKey.wrap(bytes(text));
    }

    public static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    public static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    public static KeyRange range(String start, String end) {
        return new KeyRange(key(start), key(end));
    }

    public void put(String key, String value) {
        await(storage.rawPut(ctx(), "", key(key), bytes(value), 0));
    }

    public void put(String key, String value, long ttlSeconds) {
        await(storage.rawPut(ctx(), "", key(key), bytes(value), ttlSeconds));
    }

    public void putAll(String... keys) {
        for (String key : keys) {
            put(key, "v" + key);
        }
    }

    public void delete(String key) {
        await(storage.rawDelete(ctx(), "", key(key)));
    }

    /** The value, or "not_found". */
    public String get(String key) {
        return await(storage.rawGet(ctx(), "", key(key)))
                .map(StoreFixture::text)
                .orElse("not_found");
    }

    /** Keys found, joined by commas. */
    public String scan(String start, String end, long limit) {
        return keys(pairs(storage.rawScan(ctx(), "", new RawScan(key(start), key(end), limit, false, false))));
    }

    public String reverseScan(String start, String end, long limit) {
        return keys(pairs(storage.rawScan(ctx(), "", new RawScan(key(start), key(end), limit, true, false))));
    }

    public String batchScan(long eachLimit, boolean reverse, KeyRange... ranges) {
        return keys(pairs(storage.rawBatchScan(ctx(), "", List.of(ranges), eachLimit, reverse, false)));
    }

    /** {@code succeed|fail <previous value or not_exist>}. */
    public String cas(String key, @Nullable String previous, @Nullable String value) {
        return cas(key, previous, value, 0);
    }

    public String cas(String key, @Nullable String previous, @Nullable String value, long ttlSeconds) {
        var result = await(storage.rawCompareAndSwap(
                ctx(),
                "",
                new RawCasRequest(
                        key(key),
                        previous == null ? null : bytes(previous),
                        value == null ? null : bytes(value),
                        ttlSeconds)));
        byte[] found = result.previous();
        return (result.succeeded() ? "succeed " : "fail ") + (found == null ? "not_exist" : "'" + text(found) + "'");
    }

    /** What a client reads out of a scan's answer. */
    public static List<RawPair> pairs(CompletableFuture<PairBytes> scan) {
        try {
            return RawScanResponse.parseFrom(await(scan)
                            .toMessage(RawScanResponse.getDefaultInstance())
                            .toByteString())
                    .getKvsList()
                    .stream()
                    .map(pair -> new RawPair(
                            ByteKey.of(pair.getKey()), pair.getValue().toByteArray()))
                    .toList();
        } catch (InvalidProtocolBufferException e) {
            throw new AssertionError(e);
        }
    }

    public static String keys(List<RawPair> pairs) {
        return String.join(",", pairs.stream().map(p -> text(p.key().bytes())).toList());
    }

    public static <T> T await(CompletableFuture<T> future) {
        try {
            return future.get(30, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            Throwable cause = Failures.unwrap(e);
            if (cause instanceof RuntimeException known) {
                throw known;
            }
            throw new AssertionError(cause);
        } catch (InterruptedException | TimeoutException e) {
            throw new AssertionError("no answer", e);
        }
    }

    /** What a request was refused with. */
    public static RuntimeException refusal(CompletableFuture<?> future) {
        try {
            Object answer = await(future);
            throw new AssertionError("answered " + answer);
        } catch (RawFailure | RegionException refused) {
            return refused;
        }
    }

    public static String rawFailure(CompletableFuture<?> future) {
        RuntimeException refused = refusal(future);
        assertThat(refused).isInstanceOf(RawFailure.class);
        return String.valueOf(refused.getMessage());
    }

    public static Error regionError(CompletableFuture<?> future) {
        RuntimeException refused = refusal(future);
        assertThat(refused).isInstanceOf(RegionException.class);
        return ((RegionException) refused).error();
    }

    @Override
    public void close() {
        storage.close();
        kv.close();
    }
}
