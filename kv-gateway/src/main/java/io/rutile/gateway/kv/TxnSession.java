package io.rutile.gateway.kv;

import io.rutile.client.KvClientException;
import io.rutile.client.raw.RawKv.PairConsumer;
import io.rutile.client.raw.RawKv.ScanRequest;
import io.rutile.gateway.kv.TxnSessionException.Reason;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A transaction between the requests of its client: who may use it now, since when nobody has, and how much it holds. Safe from any
 * thread; the state is guarded by this object.
 */
final class TxnSession implements OpenTransaction {

    /** What the gateway holds for a key beside its bytes. */
    static final int ENTRY_OVERHEAD_BYTES = 128;

    private enum State {
        IDLE,
        IN_USE,
        OVER
    }

    /** Room for what transactions write, shared with others. */
    interface Room {

        /**
         * Takes a part of it.
         *
         * @throws FailureException {@code BUSY} or {@code TOO_MANY_REQUESTS} if there is not so much left; nothing is taken
         */
        void take(long bytes);

        void giveBack(long bytes);
    }

    private final Object owner;
    private final OpenTransaction transaction;
    private final Room room;
    private final BooleanSupplier outlived;

    private State state = State.IDLE;
    private long idleSinceNanos;
    private long heldBytes;

    /**
     * @param owner who began it
     * @param outlived whether the transaction's longest life is over
     */
    TxnSession(Object owner, OpenTransaction transaction, Room room, BooleanSupplier outlived, long nowNanos) {
        this.owner = owner;
        this.transaction = transaction;
        this.room = room;
        this.outlived = outlived;
        this.idleSinceNanos = nowNanos;
    }

    // ---- who may use it

    Object owner() {
        return owner;
    }

    boolean belongsTo(Object caller) {
        return owner.equals(caller);
    }

    /** Takes it for one call. @return why that cannot be, null if it can */
    synchronized @Nullable Reason enter() {
        return switch (state) {
            case IDLE -> {
                state = State.IN_USE;
                yield null;
            }
            case IN_USE -> Reason.IN_USE;
            case OVER -> Reason.NOT_OPEN;
        };
    }

    /** The call is done. */
    synchronized void leave(long nowNanos) {
        if (state == State.IN_USE) {
            state = State.IDLE;
            idleSinceNanos = nowNanos;
        }
    }

    /** Nobody may enter any more. To be called by who has entered. */
    synchronized void over() {
        state = State.OVER;
    }

    /** Gives back what was held, once the transaction has ended. */
    synchronized void letGo() {
        room.giveBack(heldBytes);
        heldBytes = 0;
    }

    /** Ends it if it has been idle, or alive, for too long. A call under way is never cut off: it ends by its own deadline. */
    synchronized boolean expire(long nowNanos, long idleNanosMax) {
        boolean expired = state == State.IDLE && (nowNanos - idleSinceNanos > idleNanosMax || outlived.getAsBoolean());
        if (expired) {
            state = State.OVER;
        }
        return expired;
    }

    // ---- what is done with it

    @Override
    public TimeStamp startTs() {
        return transaction.startTs();
    }

    @Override
    public CompletableFuture<Optional<byte[]>> get(ByteKey key) {
        return transaction.get(key);
    }

    @Override
    public CompletableFuture<Map<ByteKey, byte[]>> batchGet(List<ByteKey> keys) {
        return transaction.batchGet(keys);
    }

    /** Ends at the page where the transaction's life is over: a client that reads slowly does not prolong it. */
    @Override
    public CompletableFuture<Void> scan(ScanRequest request, PairConsumer consumer) {
        return transaction.scan(
                request,
                page -> outlived.getAsBoolean()
                        ? CompletableFuture.failedFuture(new TxnSessionException(Reason.NOT_OPEN))
                        : consumer.accept(page));
    }

    @Override
    public CompletableFuture<Map<ByteKey, byte[]>> batchGetForUpdate(List<ByteKey> keys) {
        hold(bytesOf(keys));
        return transaction.batchGetForUpdate(keys);
    }

    /** @throws KvClientException also {@code BUSY}, if all open transactions together would hold too much */
    @Override
    public void put(ByteKey key, byte[] value) {
        write(bytesOf(List.of(key)) + value.length, () -> transaction.put(key, value));
    }

    @Override
    public void delete(ByteKey key) {
        write(bytesOf(List.of(key)), () -> transaction.delete(key));
    }

    @Override
    public CompletableFuture<Void> lockKeys(List<ByteKey> keys) {
        hold(bytesOf(keys));
        return transaction.lockKeys(keys);
    }

    /** Writes what is the gateway's own, and counts for nobody. */
    void record(ByteKey reserved, byte[] value) {
        transaction.put(reserved, value);
    }

    @Override
    public CompletableFuture<TimeStamp> commit() {
        return transaction.commit();
    }

    @Override
    public CompletableFuture<Void> rollback() {
        return transaction.rollback();
    }

    // ---- what it holds; a key written twice counts twice

    private void write(long bytes, Runnable write) {
        hold(bytes);
        try {
            write.run();
        } catch (RuntimeException refused) {
            hold(-bytes);
            throw refused;
        }
    }

    private synchronized void hold(long bytes) {
        if (bytes > 0) {
            room.take(bytes);
        } else {
            room.giveBack(-bytes);
        }
        heldBytes += bytes;
    }

    private static long bytesOf(List<ByteKey> keys) {
        return keys.stream()
                .mapToLong(key -> key.bytes().length + ENTRY_OVERHEAD_BYTES)
                .sum();
    }
}
