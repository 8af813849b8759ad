package io.rutile.client.pd;

import io.grpc.ChannelCredentials;
import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.rutile.client.pd.PdException.Kind;
import io.rutile.client.rpc.BackoffCurve;
import io.rutile.client.rpc.Channels;
import io.rutile.client.rpc.ClientTimer;
import io.rutile.client.rpc.Endpoint;
import io.rutile.client.rpc.Futures;
import io.rutile.client.rpc.UnaryCall;
import io.rutile.protocol.pdpb.GetMembersRequest;
import io.rutile.protocol.pdpb.GetMembersResponse;
import io.rutile.protocol.pdpb.Member;
import io.rutile.protocol.pdpb.PDGrpc;
import io.rutile.protocol.pdpb.RequestHeader;
import io.rutile.tls.TlsFailures;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The members of PD and which of them leads. Every known member is asked side by side, so that dead ones cost nothing; the first
 * credible answer wins.
 *
 * <p>A leader is credible if it names itself, or if others name it and no call to it has failed since it last spoke: right after
 * a leader dies, the others still name it for a while.
 *
 * <p>Threads: any; the state is guarded by this object, and nothing blocks while it is held.
 */
final class PdMembers implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(PdMembers.class);

    /** How long one member may think about who leads. */
    private static final Duration PROBE_TIMEOUT = Duration.ofSeconds(1);

    /** How often the leader is asked whether it still leads, so that idle streams follow it too. */
    private static final Duration LEADER_CHECK_PAUSE = Duration.ofSeconds(2);

    private static final BackoffCurve CONNECT_BACKOFF = new BackoffCurve(Duration.ofMillis(50), Duration.ofMillis(500));

    /** More members than any PD group has; bounds what a confused server can make us connect to. */
    private static final int MEMBERS_MAX = 16;

    private final Set<Endpoint> seeds;
    private final ChannelCredentials credentials;
    private final ClientTimer timer;
    private final PdMetrics metrics;
    private final Map<Endpoint, ManagedChannel> channels = new ConcurrentHashMap<>();
    private final Set<Endpoint> suspects = ConcurrentHashMap.newKeySet();
    private final List<Runnable> leaderListeners = new CopyOnWriteArrayList<>();

    private Set<Endpoint> members = Set.of();
    private @Nullable CompletableFuture<@Nullable PdLeader> round;
    private volatile @Nullable PdLeader leader;
    private volatile long clusterId;
    /** Why a member could not be spoken to, if it is something that waiting does not mend. */
    private volatile String trouble = "";

    private volatile boolean closed;

    PdMembers(List<Endpoint> seeds, ChannelCredentials credentials, ClientTimer timer, PdMetrics metrics) {
        this.seeds = Set.copyOf(seeds);
        this.credentials = credentials;
        this.timer = timer;
        this.metrics = metrics;
    }

    /** Waits until a member has named cluster and leader; then the leader is watched. @throws PdException if none does in time */
    void connect(Duration timeout) {
        CompletableFuture<Void> found = new CompletableFuture<>();
        seek(1, found);
        try {
            found.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            throw new PdException(
                    Kind.UNAVAILABLE,
                    "no PD member among " + seeds + " named a leader within " + timeout
                            + (trouble.isEmpty() ? "" : ": " + trouble));
        } catch (ExecutionException e) {
            throw e.getCause() instanceof PdException refused
                    ? refused
                    : new IllegalStateException("the search for a PD leader broke", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PdException(Kind.UNAVAILABLE, "interrupted while looking for a PD leader");
        }
        timer.every(LEADER_CHECK_PAUSE, this::checkLeader);
    }

    private void seek(int failures, CompletableFuture<Void> found) {
        Futures.whenDone(refresh(null), found, (named, failure) -> {
            if (failure != null) {
                found.completeExceptionally(failure);
            } else if (named != null) {
                found.complete(null);
            } else if (!closed) {
                timer.after(CONNECT_BACKOFF.delayNanos(failures), found, () -> seek(failures + 1, found));
            }
        });
    }

    long clusterId() {
        return clusterId;
    }

    RequestHeader header() {
        return RequestHeader.newBuilder().setClusterId(clusterId).build();
    }

    /** The leader that calls go to, null while nobody is known. */
    @Nullable PdLeader leader() {
        return leader;
    }

    boolean isClosed() {
        return closed;
    }

    /** Runs after every change of the leader to a new one, on whatever thread found out. */
    void onLeaderChange(Runnable listener) {
        leaderListeners.add(listener);
    }

    void removeListener(Runnable listener) {
        leaderListeners.remove(listener);
    }

    /** A call to this member got no answer: it is believed to lead only once it says so itself. */
    void suspect(Endpoint endpoint) {
        suspects.add(endpoint);
    }

    /**
     * Asks every member who leads; callers at the same time share one round, which takes a second at most.
     *
     * @param avoid a member that has just failed as leader: believed only if nobody names another
     * @return the leader, null if no credible one was named; fails with {@code CLUSTER_MISMATCH} if only members of another
     *     cluster answered
     */
    CompletableFuture<@Nullable PdLeader> refresh(@Nullable Endpoint avoid) {
        Round started;
        synchronized (this) {
            if (round != null) {
                return round;
            }
            if (closed) {
                return CompletableFuture.completedFuture(null);
            }
            started = new Round(avoid);
            round = started.result;
        }
        started.ask();
        return started.result;
    }

    private void checkLeader() {
        PdLeader current = leader;
        if (current == null) {
            var unused = refresh(null);
            return;
        }
        Futures.whenDone(probe(current.endpoint()), (answer, failure) -> {
            if (failure != null) {
                suspect(current.endpoint());
                var unused = refresh(current.endpoint());
            } else if (!current.isAt(leaderOf(answer))) {
                var unused = refresh(null);
            }
        });
    }

    private CompletableFuture<GetMembersResponse> probe(Endpoint member) {
        ManagedChannel channel = channel(member);
        if (channel.getState(false) == ConnectivityState.TRANSIENT_FAILURE) {
            channel.resetConnectBackoff();
        }
        return UnaryCall.start(
                        channel,
                        PDGrpc.getGetMembersMethod(),
                        GetMembersRequest.getDefaultInstance(),
                        PROBE_TIMEOUT.toNanos())
                .response();
    }

    private ManagedChannel channel(Endpoint member) {
        return channels.computeIfAbsent(member, to -> Channels.open(to, credentials));
    }

    private static @Nullable Endpoint leaderOf(GetMembersResponse answer) {
        return answer.hasLeader() ? endpointOf(answer.getLeader()) : null;
    }

    private static @Nullable Endpoint endpointOf(Member member) {
        if (member.getClientUrlsCount() == 0) {
            return null;
        }
        try {
            return Endpoint.parse(member.getClientUrls(0));
        } catch (IllegalArgumentException unusable) {
            LOG.debug("action=pd_member_url_unusable member={} reason={}", member.getName(), unusable.getMessage());
            return null;
        }
    }

    private void adopt(Endpoint endpoint, GetMembersResponse answer) {
        PdLeader before;
        synchronized (this) {
            if (closed) {
                return;
            }
            Set<Endpoint> named = new LinkedHashSet<>();
            named.add(endpoint);
            for (Member member : answer.getMembersList()) {
                Endpoint url = endpointOf(member);
                if (url != null && named.size() < MEMBERS_MAX) {
                    named.add(url);
                }
            }
            members = named;
            before = leader;
            leader = new PdLeader(endpoint, channel(endpoint));
        }
        closeStrangers();
        if (before == null || !before.isAt(endpoint)) {
            LOG.info("action=pd_leader_followed cluster_id={} leader={}", Long.toUnsignedString(clusterId), endpoint);
            metrics.leaderChanged();
            leaderListeners.forEach(Runnable::run);
        }
    }

    private synchronized void forget(@Nullable Endpoint failed) {
        PdLeader current = leader;
        if (current != null && (suspects.contains(current.endpoint()) || current.isAt(failed))) {
            leader = null;
        }
    }

    private void closeStrangers() {
        Set<Endpoint> known = known();
        for (Endpoint endpoint : List.copyOf(channels.keySet())) {
            if (!known.contains(endpoint)) {
                ManagedChannel channel = channels.remove(endpoint);
                if (channel != null) {
                    channel.shutdown();
                }
                suspects.remove(endpoint);
            }
        }
    }

    private synchronized Set<Endpoint> known() {
        Set<Endpoint> known = new LinkedHashSet<>(seeds);
        known.addAll(members);
        return known;
    }

    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            leader = null;
        }
        channels.values().forEach(ManagedChannel::shutdownNow);
    }

    /** One question to everybody. */
    private final class Round {

        private final @Nullable Endpoint avoid;
        private final CompletableFuture<@Nullable PdLeader> result = new CompletableFuture<>();
        private final List<String> foreign = new ArrayList<>();
        private int outstanding;
        private boolean decided;
        private @Nullable GetMembersResponse fallback;
        private @Nullable GetMembersResponse first;

        Round(@Nullable Endpoint avoid) {
            this.avoid = avoid;
        }

        void ask() {
            Set<Endpoint> asked = known();
            outstanding = asked.size();
            for (Endpoint member : asked) {
                Futures.whenDone(probe(member), result, (answer, failure) -> take(member, answer, failure));
            }
        }

        private void take(Endpoint from, @Nullable GetMembersResponse answer, @Nullable Throwable failure) {
            GetMembersResponse chosen = null;
            boolean last;
            String reason = failure == null ? null : TlsFailures.firstReason(Futures.causeOf(failure));
            if (reason != null) {
                trouble = from + " " + reason;
            }
            synchronized (this) {
                outstanding--;
                last = outstanding == 0;
                if (decided) {
                    return;
                }
                if (answer != null && failure == null && isOurs(from, answer)) {
                    Endpoint named = leaderOf(answer);
                    if (from.equals(named)) {
                        suspects.remove(from);
                    }
                    if (named != null && !named.equals(avoid) && !suspects.contains(named)) {
                        // The first contact hears everybody: a seed list over two clusters must not pass by luck.
                        first = first == null ? answer : first;
                        chosen = clusterId != 0 ? answer : null;
                    } else if (from.equals(named)) {
                        fallback = answer;
                    }
                }
                if (chosen == null && last) {
                    chosen = first != null ? first : fallback;
                }
                decided = chosen != null || last;
                if (!decided) {
                    return;
                }
            }
            finish(chosen);
        }

        /** Holds the answer against the cluster that this client belongs to. A member that has no cluster yet counts for none. */
        private boolean isOurs(Endpoint from, GetMembersResponse answer) {
            long answered = answer.getHeader().getClusterId();
            GetMembersResponse earlier = first;
            long ours = clusterId != 0 || earlier == null
                    ? clusterId
                    : earlier.getHeader().getClusterId();
            if (answered == 0 || PdErrors.refusal("GetMembers", answer.getHeader()) != null) {
                return false;
            }
            if (ours != 0 && answered != ours) {
                foreign.add(from + " is of cluster " + Long.toUnsignedString(answered) + ", not "
                        + Long.toUnsignedString(ours));
                return false;
            }
            return true;
        }

        private void finish(@Nullable GetMembersResponse chosen) {
            synchronized (PdMembers.this) {
                round = null;
            }
            boolean firstContact = clusterId == 0;
            if (!foreign.isEmpty() && (chosen == null || firstContact)) {
                result.completeExceptionally(new PdException(Kind.CLUSTER_MISMATCH, String.join("; ", foreign)));
                return;
            }
            Endpoint named = chosen == null ? null : leaderOf(chosen);
            if (chosen == null || named == null) {
                forget(avoid);
                result.complete(null);
                return;
            }
            if (firstContact) {
                clusterId = chosen.getHeader().getClusterId();
            }
            adopt(named, chosen);
            result.complete(leader);
        }
    }
}
