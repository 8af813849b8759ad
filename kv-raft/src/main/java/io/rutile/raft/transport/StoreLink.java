package io.rutile.raft.transport;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import io.grpc.ManagedChannel;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.rutile.raft.disruptor.Turn;
import io.rutile.raft.wire.Call;
import io.rutile.raft.wire.Envelope;
import io.rutile.raft.wire.RaftTransportGrpc;
import io.rutile.tls.TlsFailures;
import java.net.InetSocketAddress;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This store's way to one other store. Connects when it is first needed, asks for the address before each attempt, and tries
 * again with a growing pause for as long as somebody has something to say.
 *
 * <p>A call made while there is no stream fails at once: Raft repeats itself. State is guarded by this object's lock; no
 * callback runs under it. A proposer's thread never waits for it.
 */
final class StoreLink {

    private static final Logger LOG = LoggerFactory.getLogger(StoreLink.class);
    private static final long PAUSE_MS_MIN = 20;
    private static final long PAUSE_MS_MAX = 1_000;
    private static final long HANDSHAKE_MS_MAX = 5_000;
    static final int PENDING_MAX = 65_536;

    /** Messages up to this size bring no entries to speak of: heartbeats, votes and answers never wait for others' entries. */
    private static final int FREE_BYTES = 1 << 10;

    private final RaftTransport transport;
    private final long toStore;

    /** Written under this lock. */
    private volatile @Nullable Session session;

    private volatile long notBeforeNanos;
    private final AtomicBoolean opening = new AtomicBoolean();

    // Guarded by this.
    private boolean closed;
    private long pauseMs = PAUSE_MS_MIN;
    private boolean quiet;

    StoreLink(RaftTransport transport, long toStore) {
        this.transport = transport;
        this.toStore = toStore;
        this.notBeforeNanos = System.nanoTime();
    }

    void send(OutboundCall call) {
        Session current = session();
        if (current == null) {
            fail(call, "store " + toStore + " is not reachable", false);
        } else {
            current.send(call);
        }
    }

    /** The stream, opened now if it is time to try; null otherwise. */
    private @Nullable Session session() {
        Session open = session;
        if (open != null) {
            return open;
        }
        if (Turn.isOpen()) {
            // This is a proposer's thread, and to look an address up may take as long as a name server likes.
            openSoon();
            return null;
        }
        return opened();
    }

    private void openSoon() {
        if (System.nanoTime() - notBeforeNanos < 0 || !opening.compareAndSet(false, true)) {
            return;
        }
        try {
            transport.pool().execute(() -> {
                try {
                    opened();
                } finally {
                    opening.set(false);
                }
            });
        } catch (RejectedExecutionException closing) {
            opening.set(false);
        }
    }

    private synchronized @Nullable Session opened() {
        if (closed) {
            return null;
        }
        if (session == null && System.nanoTime() - notBeforeNanos >= 0) {
            connect();
        }
        return session;
    }

    private void connect() {
        notBeforeNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(pauseMs);
        pauseMs = Math.min(PAUSE_MS_MAX, pauseMs * 2);
        InetSocketAddress address = transport.resolve(toStore);
        if (address == null) {
            return;
        }
        Session opened = new Session(transport.channel(address));
        opened.open();
        // Now others may send; its end, should that have come already, waits for the lock.
        session = opened;
    }

    private synchronized void onHello() {
        pauseMs = PAUSE_MS_MIN;
        if (quiet) {
            LOG.info("store link up again to_store={}", toStore);
        }
        quiet = false;
    }

    private void onEnd(Session ended, String why) {
        synchronized (this) {
            if (session == ended) {
                session = null;
            }
            if (!quiet && !closed) {
                LOG.info("store link down to_store={} cause={}", toStore, why);
                quiet = true;
            }
        }
        ended.finish(why);
    }

    /** Ends calls whose time is over. */
    void sweep(long nowNanos) {
        Session current;
        synchronized (this) {
            current = session;
        }
        if (current != null) {
            current.sweep(nowNanos);
        }
    }

    void close() {
        Session current;
        synchronized (this) {
            closed = true;
            current = session;
        }
        if (current != null) {
            onEnd(current, "closing");
        }
    }

    /** Whoever has made the call may be on this thread, with locks in hand. */
    private static void fail(OutboundCall call, String why, boolean timeout) {
        hand(call, call.executor()::execute, null, new LinkException(why, timeout));
    }

    private static void hand(
            OutboundCall call, Executor executor, @Nullable Message response, @Nullable Throwable failure) {
        try {
            executor.execute(() -> call.answer().complete(response, failure));
        } catch (RejectedExecutionException e) {
            // The process is closing: nobody waits any more.
            LOG.debug("answer dropped to_store={}", call.toStore());
        }
    }

    /** @param bytes of the budget */
    private record Pending(OutboundCall call, long deadlineNanos, int bytes) {}

    /** One stream from its opening to its end; never opened twice. */
    private final class Session implements ClientResponseObserver<Envelope, Envelope> {

        private final ManagedChannel channel;
        private final ConcurrentHashMap<Long, Pending> pending = new ConcurrentHashMap<>();
        private final AtomicLong ids = new AtomicLong();
        private final long openedNanos = System.nanoTime();
        private @Nullable ClientCallStreamObserver<Envelope> stream;
        private @Nullable FrameSender sender;
        private volatile boolean greeted;
        private final AtomicLong waitingBytes = new AtomicLong();
        private volatile boolean ended;
        /** Only touched by gRPC's callbacks, which come one at a time. */
        private int framesTaken;

        Session(ManagedChannel channel) {
            this.channel = channel;
        }

        void open() {
            RaftTransportGrpc.newStub(channel).exchange(this);
            ClientCallStreamObserver<Envelope> opened = stream;
            if (opened == null) {
                throw new IllegalStateException("stream without beforeStart");
            }
            opened.onNext(
                    Envelope.newBuilder().setHello(transport.helloTo(toStore)).build());
        }

        @Override
        public void beforeStart(ClientCallStreamObserver<Envelope> requests) {
            stream = requests;
            sender = transport.sender(requests);
            requests.setOnReadyHandler(sender::wake);
            requests.disableAutoRequestWithInitial(RaftTransport.FRAMES_AHEAD);
        }

        void send(OutboundCall call) {
            FrameSender to = sender;
            if (to == null || pending.size() >= PENDING_MAX) {
                transport.metrics.refusedFull.increment();
                fail(call, "too many calls wait for store " + toStore, false);
                return;
            }
            int size = call.request().getSerializedSize();
            int bytes = size <= FREE_BYTES ? 0 : size;
            if (bytes > 0 && !admit(bytes)) {
                transport.metrics.refusedFull.increment();
                fail(call, "too many bytes wait for store " + toStore, false);
                return;
            }
            long id = ids.incrementAndGet();
            long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(call.timeoutMs());
            pending.put(id, new Pending(call, deadline, bytes));
            if (transport.passes(transport.storeId(), toStore)) {
                send(to, id, call);
            }
            // The stream may have ended after the lookup and before the call was entered: nobody else would tell.
            if (ended && remove(id) != null) {
                fail(call, "store " + toStore + " is not reachable", false);
            }
        }

        /** Half of the budget is for others: a store that is slow to answer takes nothing from them. */
        private boolean admit(int bytes) {
            long mine = waitingBytes.get();
            if ((mine > 0 && mine + bytes > transport.outbound.bytesMax() / 2) || !transport.outbound.take(bytes)) {
                return false;
            }
            waitingBytes.addAndGet(bytes);
            return true;
        }

        /** Whoever takes a call out tells its outcome, and gives its bytes back. */
        private @Nullable Pending remove(long id) {
            Pending removed = pending.remove(id);
            if (removed != null && removed.bytes() > 0) {
                waitingBytes.addAndGet(-removed.bytes());
                transport.outbound.giveBack(removed.bytes());
            }
            return removed;
        }

        private void send(FrameSender to, long id, OutboundCall call) {
            Call message = Call.newBuilder()
                    .setId(id)
                    .setGroup(call.groupId())
                    .setType(MessageTypes.number(call.request()))
                    .setBody(call.request().toByteString())
                    .setHandover(call.handover())
                    .setPatient(call.patient())
                    .build();
            if (!to.offer(message) && remove(id) != null) {
                transport.metrics.refusedFull.increment();
                fail(call, "the queue to store " + toStore + " is full", false);
            }
        }

        @Override
        public void onNext(Envelope frame) {
            ClientCallStreamObserver<Envelope> open = stream;
            if (++framesTaken % (RaftTransport.FRAMES_AHEAD / 2) == 0 && open != null) {
                open.request(RaftTransport.FRAMES_AHEAD / 2);
            }
            if (!greeted) {
                if (!transport.helloFits(frame.getHello(), toStore)) {
                    end("the other side is not store " + toStore + " of this cluster");
                    return;
                }
                greeted = true;
                onHello();
            }
            if (!transport.passes(toStore, transport.storeId())) {
                return;
            }
            // What the answers lead to, the next entries of many groups, leaves together.
            Gathering.run(() -> take(frame));
        }

        private void take(Envelope frame) {
            for (Call answer : frame.getCallsList()) {
                Pending asked = remove(answer.getId());
                if (asked != null) {
                    answered(asked.call(), answer);
                }
            }
        }

        private void answered(OutboundCall call, Call answer) {
            try {
                // This thread has nothing else to do than to take answers: a frame of them wakes nobody.
                hand(call, call.executor()::executeHere, MessageTypes.parse(answer.getType(), answer.getBody()), null);
            } catch (InvalidProtocolBufferException e) {
                transport.metrics.badMessages.increment();
                fail(call, "store " + toStore + " answered nonsense", false);
            }
        }

        @Override
        public void onError(Throwable cause) {
            String reason = TlsFailures.reason(cause);
            onEnd(this, reason == null ? String.valueOf(cause.getMessage()) : "it " + reason);
        }

        @Override
        public void onCompleted() {
            onEnd(this, "closed by the other side");
        }

        private void end(String why) {
            ClientCallStreamObserver<Envelope> open = stream;
            if (open != null) {
                open.cancel(why, null);
            }
            onEnd(this, why);
        }

        void sweep(long nowNanos) {
            if (!greeted && nowNanos - openedNanos > TimeUnit.MILLISECONDS.toNanos(HANDSHAKE_MS_MAX)) {
                end("no handshake");
                return;
            }
            pending.forEach((id, entry) -> {
                if (nowNanos - entry.deadlineNanos() >= 0 && remove(id) != null) {
                    transport.metrics.timeouts.increment();
                    fail(entry.call(), "store " + toStore + " did not answer in time", true);
                }
            });
        }

        /** Fails what still waits; idempotent. */
        void finish(String why) {
            ended = true;
            FrameSender mine = sender;
            if (mine != null) {
                mine.close();
            }
            pending.forEach((id, entry) -> {
                if (remove(id) != null) {
                    fail(entry.call(), "store " + toStore + ": " + why, false);
                }
            });
            channel.shutdownNow();
        }
    }
}
