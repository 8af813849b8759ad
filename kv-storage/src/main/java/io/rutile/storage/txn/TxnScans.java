package io.rutile.storage.txn;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.PairBytes;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.KvPair;
import io.rutile.protocol.kvrpcpb.ScanRequest;
import io.rutile.protocol.kvrpcpb.ScanResponse;
import io.rutile.storage.command.AnswerBudget;
import io.rutile.storage.command.ApiVersion;
import io.rutile.storage.command.ConcurrencyManager;
import io.rutile.storage.command.ReadPool;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.KvSnapshot;
import io.rutile.storage.engine.ReplicaRead;
import io.rutile.storage.mvcc.KeyFailure;
import io.rutile.storage.mvcc.MvccKey;
import io.rutile.storage.mvcc.MvccScanner;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * KvScan, both ways. A bound that the request leaves out is the Region's; one that it gives must lie in the Region. A locked key
 * is a pair with nothing but its error, counts towards the limit, and the walk goes on.
 */
public final class TxnScans {

    private final ReadPool pool;
    private final ConcurrencyManager concurrency;
    private final ApiVersion apiVersion;
    private final long answerBytesMax;

    public TxnScans(ReadPool pool, ConcurrencyManager concurrency, ApiVersion apiVersion, long answerBytesMax) {
        this.pool = pool;
        this.concurrency = concurrency;
        this.apiVersion = apiVersion;
        this.answerBytesMax = answerBytesMax;
    }

    public CompletableFuture<Message> scan(KvContext ctx, ScanRequest request) {
        Optional<KeyError> refusal = apiVersion.refusalOfTxn(ctx.request(), bounds(request));
        ReadView view = new ReadView(ctx.request(), request.getVersion(), false);
        KeyError failure = refusal.orElseGet(() -> TxnReads.announce(concurrency, view, range(request)));
        if (failure != null) {
            return CompletableFuture.completedFuture(failed(failure));
        }
        boolean holdsNothing = request.getLimit() == 0
                || request.getReverse() && request.getStartKey().isEmpty();
        KvContext reading = ctx.reading(() -> new ReplicaRead(view.version(), List.of(range(request))));
        CompletableFuture<Message> read = pool.read(reading, snapshot -> {
            try {
                checkBounds(request, snapshot.range());
                return holdsNothing ? ScanResponse.getDefaultInstance() : walk(ctx, snapshot, view, request);
            } catch (KeyFailure invalid) {
                return failed(invalid.error());
            }
        });
        return ReplicaReads.orLocked(reading, read, TxnScans::failed);
    }

    private Message walk(KvContext ctx, KvSnapshot snapshot, ReadView view, ScanRequest request) {
        AnswerBudget budget = new AnswerBudget(ctx, answerBytesMax);
        PairBytes answer = new PairBytes();
        long left = Integer.toUnsignedLong(request.getLimit());
        long step = Math.max(1, Integer.toUnsignedLong(request.getSampleStep()));
        long seenPairs = 0;
        try (MvccScanner keys = new MvccScanner(snapshot, range(request), request.getReverse())) {
            for (MvccScanner.Found found = keys.next(); found != null && left > 0; found = keys.next()) {
                budget.look();
                try {
                    ReadView.Seen seen = view.see(keys.reader(), found.key(), found.lock());
                    if (seen == null || seenPairs++ % step != 0) {
                        continue;
                    }
                    byte[] key = found.key().user().bytes();
                    int valueBytes = request.getKeyOnly() ? 0 : seen.value().length;
                    budget.take(key.length, valueBytes);
                    answer.add(key, key.length, seen.value(), valueBytes);
                } catch (KeyFailure failure) {
                    if (failure.kind() != KeyFailure.Kind.LOCKED) {
                        throw failure;
                    }
                    budget.take(0, 0);
                    answer.add(KvPair.newBuilder().setError(failure.error()).build());
                }
                left--;
            }
        }
        return answer.toMessage(ScanResponse.getDefaultInstance());
    }

    private static Message failed(KeyError error) {
        return ScanResponse.newBuilder()
                .setError(error)
                .addPairs(KvPair.newBuilder().setError(error))
                .build();
    }

    /** The lower bound: it lies in the key space that is walked over, the upper one may be where that ends. */
    private static List<MvccKey> bounds(ScanRequest request) {
        return List.of(MvccKey.of(request.getReverse() ? request.getEndKey() : request.getStartKey()));
    }

    /** The encoded keys between the bounds, whichever way the walk goes. */
    private static KeyRange range(ScanRequest request) {
        ByteString lower = request.getReverse() ? request.getEndKey() : request.getStartKey();
        ByteString upper = request.getReverse() ? request.getStartKey() : request.getEndKey();
        return encoded(lower, upper);
    }

    /** An empty lower bound is below every key, an empty upper one above. */
    static KeyRange encoded(ByteString lower, ByteString upper) {
        return new KeyRange(
                lower.isEmpty() ? ByteKey.EMPTY : MvccKey.of(lower).encoded(),
                upper.isEmpty() ? ByteKey.EMPTY : MvccKey.of(upper).encoded());
    }

    /** @throws KeyFailure if a bound that was given sticks out of the Region */
    private static void checkBounds(ScanRequest request, KeyRange region) {
        boolean reverse = request.getReverse();
        KeyRange asked = range(request);
        // Where a forward scan begins is always given, even if it is the empty key.
        boolean lowerGiven = !reverse || !asked.start().isEmpty();
        boolean startsBefore = lowerGiven && asked.start().compareTo(region.start()) < 0;
        boolean endsBehind =
                !asked.end().isEmpty() && !region.end().isEmpty() && asked.end().compareTo(region.end()) > 0;
        if (startsBefore || endsBehind) {
            throw KeyFailure.refused("InvalidReqRange", "the range sticks out of the region, whose range is " + region);
        }
    }
}
