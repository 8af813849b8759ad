package io.rutile.pd.gc;

import com.google.protobuf.ByteString;
import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.kvrpcpb.CheckSecondaryLocksRequest;
import io.rutile.protocol.kvrpcpb.CheckSecondaryLocksResponse;
import io.rutile.protocol.kvrpcpb.CheckTxnStatusRequest;
import io.rutile.protocol.kvrpcpb.CheckTxnStatusResponse;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.kvrpcpb.Op;
import io.rutile.protocol.kvrpcpb.PessimisticRollbackRequest;
import io.rutile.protocol.kvrpcpb.PessimisticRollbackResponse;
import io.rutile.protocol.kvrpcpb.ResolveLockRequest;
import io.rutile.protocol.kvrpcpb.ResolveLockResponse;
import io.rutile.protocol.kvrpcpb.ScanLockRequest;
import io.rutile.protocol.kvrpcpb.ScanLockResponse;
import io.rutile.protocol.kvrpcpb.TxnInfo;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.tikvpb.TikvGrpc;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Stores with ports of their own that share one table of locks and records, and that know better than PD how Regions are.
 * What transactions become follows the table of semantics for the calls that a sweep needs.
 */
final class FakeStores implements AutoCloseable {

    /** As the stores have it; PD's view may lag. */
    record Led(Region region, long leaderStore) {}

    private final Map<Long, Server> servers = new HashMap<>();
    private final Map<Long, Led> regions = new TreeMap<>();
    private final TreeMap<ByteKey, LockInfo> locks = new TreeMap<>();
    /** By key and start ts: the commit ts, 0 for a rollback. */
    private final Map<String, Long> records = new HashMap<>();

    private final List<String> scanned = new ArrayList<>();
    private Consumer<String> onCall = call -> {};
    private @Nullable LockInfo inMemory;
    private boolean apiV2;

    long start(long storeId) {
        try {
            Server server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                    .addService(new Store(storeId))
                    .build()
                    .start();
            servers.put(storeId, server);
            return server.getPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void stop(long storeId) {
        Server server = servers.remove(storeId);
        if (server != null) {
            server.shutdownNow();
        }
    }

    synchronized void lead(Region region, long store) {
        regions.put(region.getId(), new Led(region, store));
    }

    synchronized void merge(long goneRegion) {
        regions.remove(goneRegion);
    }

    /** Called before each call is served, with its name. */
    synchronized void onCall(Consumer<String> hook) {
        onCall = hook;
    }

    synchronized void serveApiV2() {
        apiV2 = true;
    }

    /** A lock that scans run into until it is taken away. */
    synchronized void inMemory(@Nullable LockInfo lock) {
        inMemory = lock;
    }

    synchronized void lock(LockInfo.Builder lock) {
        locks.put(ByteKey.of(lock.getKey()), lock.build());
    }

    synchronized void record(String key, long startTs, long commitTs) {
        records.put(key + "@" + startTs, commitTs);
    }

    synchronized @Nullable Long recordOf(String key, long startTs) {
        return records.get(key + "@" + startTs);
    }

    synchronized List<LockInfo> locks() {
        return List.copyOf(locks.values());
    }

    /** Region ids of scans, in order. */
    synchronized List<String> scanned() {
        return List.copyOf(scanned);
    }

    static LockInfo.Builder put(String key, String primary, long startTs) {
        return LockInfo.newBuilder()
                .setKey(ByteString.copyFromUtf8(key))
                .setPrimaryLock(ByteString.copyFromUtf8(primary))
                .setLockVersion(startTs)
                .setLockTtl(Integer.MAX_VALUE)
                .setLockType(Op.Put);
    }

    static LockInfo.Builder pessimistic(String key, String primary, long startTs, long forUpdateTs) {
        return put(key, primary, startTs).setLockType(Op.PessimisticLock).setLockForUpdateTs(forUpdateTs);
    }

    @Override
    public void close() {
        servers.values().forEach(Server::shutdownNow);
        servers.clear();
    }

    private static String text(ByteString key) {
        return key.toStringUtf8();
    }

    private Optional<Error> refusal(long store, Context context) {
        Led led = regions.get(context.getRegionId());
        if (led == null) {
            return Optional.of(
                    RegionErrors.regionNotFound(context.getRegionId()).error());
        }
        if (led.leaderStore() != store || context.getPeer().getStoreId() != store) {
            return Optional.of(RegionErrors.notLeader(
                            context.getRegionId(),
                            led.region().getPeersList().stream()
                                    .filter(peer -> peer.getStoreId() == led.leaderStore())
                                    .findFirst()
                                    .orElse(null))
                    .error());
        }
        return led.region().getRegionEpoch().equals(context.getRegionEpoch())
                ? Optional.empty()
                : Optional.of(RegionErrors.epochNotMatch(List.of(led.region())).error());
    }

    private KeyRange range(Context context) {
        Region region =
                Objects.requireNonNull(regions.get(context.getRegionId())).region();
        return new KeyRange(ByteKey.of(region.getStartKey()), ByteKey.of(region.getEndKey()));
    }

    private void end(LockInfo lock, long commitTs) {
        locks.remove(ByteKey.of(lock.getKey()));
        records.put(text(lock.getKey()) + "@" + lock.getLockVersion(), commitTs);
    }

    private final class Store extends TikvGrpc.TikvImplBase {

        private final long id;

        private Store(long id) {
            this.id = id;
        }

        private void called(String call) {
            Consumer<String> hook;
            synchronized (FakeStores.this) {
                hook = onCall;
            }
            hook.accept(call);
        }

        @Override
        public void kvScanLock(ScanLockRequest r, StreamObserver<ScanLockResponse> out) {
            called("scan");
            ScanLockResponse.Builder response = ScanLockResponse.newBuilder();
            synchronized (FakeStores.this) {
                Optional<Error> refusal = refusal(id, r.getContext());
                if (refusal.isPresent()) {
                    response.setRegionError(refusal.get());
                } else {
                    scan(r, response);
                }
            }
            out.onNext(response.build());
            out.onCompleted();
        }

        private void scan(ScanLockRequest r, ScanLockResponse.Builder response) {
            KeyRange asked = new KeyRange(ByteKey.of(r.getStartKey()), ByteKey.of(r.getEndKey()));
            KeyRange region = range(r.getContext());
            scanned.add(r.getContext().getRegionId() + asked.toString());
            if (TxnKeys.place(asked.start().bytes()).compareTo(region.start()) < 0
                    && !region.start().isEmpty()) {
                response.setError(KeyError.newBuilder().setAbort("invalid request range"));
                return;
            }
            if (inMemory != null) {
                response.setError(KeyError.newBuilder().setLocked(inMemory));
                return;
            }
            locks.values().stream()
                    .filter(lock -> asked.contains(ByteKey.of(lock.getKey())))
                    .filter(lock -> Long.compareUnsigned(lock.getLockVersion(), r.getMaxVersion()) <= 0)
                    .limit(r.getLimit())
                    .forEach(response::addLocks);
        }

        @Override
        public void kvCheckTxnStatus(CheckTxnStatusRequest r, StreamObserver<CheckTxnStatusResponse> out) {
            called("status");
            CheckTxnStatusResponse.Builder response = CheckTxnStatusResponse.newBuilder();
            synchronized (FakeStores.this) {
                Optional<Error> refusal = refusal(id, r.getContext());
                if (refusal.isPresent()) {
                    response.setRegionError(refusal.get());
                } else if (apiV2 && r.getContext().getApiVersionValue() != 2) {
                    response.setError(KeyError.newBuilder().setAbort("ApiVersionNotMatched { .. }"));
                } else {
                    status(r, response);
                }
            }
            out.onNext(response.build());
            out.onCompleted();
        }

        private void status(CheckTxnStatusRequest r, CheckTxnStatusResponse.Builder response) {
            LockInfo lock = locks.get(ByteKey.of(r.getPrimaryKey()));
            if (lock == null || lock.getLockVersion() != r.getLockTs()) {
                Long commitTs = records.get(text(r.getPrimaryKey()) + "@" + r.getLockTs());
                if (commitTs == null && !r.getRollbackIfNotExist()) {
                    response.getErrorBuilder().getTxnNotFoundBuilder().setStartTs(r.getLockTs());
                } else if (commitTs == null) {
                    records.put(text(r.getPrimaryKey()) + "@" + r.getLockTs(), 0L);
                } else {
                    response.setCommitVersion(commitTs);
                }
                return;
            }
            if (lock.getUseAsyncCommit() && !r.getForceSyncCommit()) {
                response.setLockTtl(lock.getLockTtl()).setLockInfo(lock);
                return;
            }
            boolean expired = (lock.getLockVersion() >>> 18) + lock.getLockTtl() < r.getCurrentTs() >>> 18;
            if (expired) {
                end(lock, 0);
            } else {
                response.setLockTtl(lock.getLockTtl()).setLockInfo(lock);
            }
        }

        @Override
        public void kvCheckSecondaryLocks(
                CheckSecondaryLocksRequest r, StreamObserver<CheckSecondaryLocksResponse> out) {
            called("secondaries");
            CheckSecondaryLocksResponse.Builder response = CheckSecondaryLocksResponse.newBuilder();
            synchronized (FakeStores.this) {
                Optional<Error> refusal = refusal(id, r.getContext());
                if (refusal.isPresent()) {
                    response.setRegionError(refusal.get());
                } else {
                    secondaries(r, response);
                }
            }
            out.onNext(response.build());
            out.onCompleted();
        }

        private void secondaries(CheckSecondaryLocksRequest r, CheckSecondaryLocksResponse.Builder response) {
            for (ByteString key : r.getKeysList()) {
                if (!range(r.getContext()).contains(TxnKeys.place(key.toByteArray()))) {
                    throw new AssertionError("a key outside the region");
                }
                LockInfo lock = locks.get(ByteKey.of(key));
                if (lock != null && lock.getLockVersion() == r.getStartVersion()) {
                    if (lock.getLockType() != Op.PessimisticLock) {
                        response.addLocks(lock);
                        continue;
                    }
                    end(lock, 0);
                }
                long commitTs = records.computeIfAbsent(text(key) + "@" + r.getStartVersion(), missing -> 0L);
                response.clearLocks().setCommitTs(commitTs);
                return;
            }
        }

        @Override
        public void kvResolveLock(ResolveLockRequest r, StreamObserver<ResolveLockResponse> out) {
            called("resolve");
            ResolveLockResponse.Builder response = ResolveLockResponse.newBuilder();
            synchronized (FakeStores.this) {
                Optional<Error> refusal = refusal(id, r.getContext());
                if (refusal.isPresent()) {
                    response.setRegionError(refusal.get());
                } else {
                    Map<Long, Long> ended = new HashMap<>();
                    for (TxnInfo txn : r.getTxnInfosList()) {
                        ended.put(txn.getTxn(), txn.getStatus());
                    }
                    List.copyOf(locks.values()).stream()
                            .filter(lock -> ended.containsKey(lock.getLockVersion()))
                            .filter(lock -> range(r.getContext())
                                    .contains(TxnKeys.place(lock.getKey().toByteArray())))
                            .forEach(lock -> end(lock, ended.getOrDefault(lock.getLockVersion(), 0L)));
                }
            }
            out.onNext(response.build());
            out.onCompleted();
        }

        @Override
        public void kVPessimisticRollback(
                PessimisticRollbackRequest r, StreamObserver<PessimisticRollbackResponse> out) {
            called("release");
            PessimisticRollbackResponse.Builder response = PessimisticRollbackResponse.newBuilder();
            synchronized (FakeStores.this) {
                Optional<Error> refusal = refusal(id, r.getContext());
                if (refusal.isPresent()) {
                    response.setRegionError(refusal.get());
                } else {
                    for (ByteString key : r.getKeysList()) {
                        LockInfo lock = locks.get(ByteKey.of(key));
                        if (lock != null
                                && lock.getLockType() == Op.PessimisticLock
                                && lock.getLockVersion() == r.getStartVersion()
                                && lock.getLockForUpdateTs() <= r.getForUpdateTs()) {
                            locks.remove(ByteKey.of(key));
                        }
                    }
                }
            }
            out.onNext(response.build());
            out.onCompleted();
        }
    }
}
