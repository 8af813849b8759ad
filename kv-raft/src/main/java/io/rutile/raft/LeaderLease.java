package io.rutile.raft;

import com.alipay.sofa.jraft.conf.Configuration;
import com.alipay.sofa.jraft.conf.ConfigurationEntry;
import com.alipay.sofa.jraft.entity.PeerId;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * How long a leader can be sure that there is no other (R7).
 *
 * <p>A follower that answers a leader's entries or heartbeat grants no vote for an election timeout ({@link VoteGate}). So if a
 * majority (of the old and of the new membership, while one replaces the other) has answered what was sent at or after time s,
 * nobody else can lead before s + election timeout; the lease is 90 % of that, on the monotonic clock. It counts from the
 * sending, so that no delay of an answer, nor a pause of this process, makes it longer. It is gone for the rest of the term once
 * this leader has told somebody to stand for election: that vote is granted in spite of it.
 *
 * <p>Answers come in on many threads; a check reads a few fields and takes no lock. What a majority has answered stays true in that term and
 * membership, so a lease that was counted is good until it ends.
 */
final class LeaderLease {

    private static final double SHARE = 0.9;

    private final PeerId self;
    private final long leaseNanos;
    private final LongSupplier nanoClock;
    private final ConcurrentHashMap<PeerId, Ack> acks = new ConcurrentHashMap<>();
    private volatile Grant grant = new Grant(null, 0, 0, false);
    private volatile long forfeitedTerm;

    /** What was sent at that time, in that term, has been answered. */
    private record Ack(long term, long sentNanos) {}

    /** A majority of that membership has answered what was sent at that time or later. */
    private record Grant(@Nullable ConfigurationEntry conf, long term, long sinceNanos, boolean alone) {}

    LeaderLease(PeerId self, long electionTimeoutNanos, LongSupplier nanoClock) {
        this.self = self;
        this.leaseNanos = (long) (electionTimeoutNanos * SHARE);
        this.nanoClock = nanoClock;
    }

    /** A peer has answered, in the same term, what was sent to it at that time. */
    void acked(PeerId peer, long term, long sentNanos) {
        acks.merge(peer, new Ack(term, sentNanos), LeaderLease::later);
    }

    private static Ack later(Ack one, Ack other) {
        if (one.term() != other.term()) {
            return one.term() > other.term() ? one : other;
        }
        return one.sentNanos() - other.sentNanos() >= 0 ? one : other;
    }

    /** Called before a peer is told to stand for election. */
    void forfeit(long term) {
        forfeitedTerm = Math.max(forfeitedTerm, term);
    }

    /** True if nobody else can lead at this moment. The caller has checked that this replica leads in that term. */
    boolean holds(long term, ConfigurationEntry conf) {
        if (term == forfeitedTerm) {
            return false;
        }
        Grant known = grant;
        if (known.term() == term && known.conf() == conf && isValid(known)) {
            return true;
        }
        // Only when somebody asks and what was counted before no longer does: most leaders are never asked.
        Grant counted = count(conf, term);
        grant = counted;
        return isValid(counted);
    }

    private boolean isValid(Grant one) {
        return one.conf() != null && (one.alone() || nanoClock.getAsLong() - one.sinceNanos() < leaseNanos);
    }

    /** True if a majority has answered, in that term, something that was sent at that time or later. */
    boolean provenSince(long term, ConfigurationEntry conf, long nanos) {
        Grant current = count(conf, term);
        return current.conf() != null && (current.alone() || current.sinceNanos() - nanos >= 0);
    }

    /** Who has answered, in that term, something that was sent within the last so many nanoseconds. */
    Set<PeerId> answeredWithin(long term, long nanos) {
        long now = nanoClock.getAsLong();
        return acks.entrySet().stream()
                .filter(ack ->
                        ack.getValue().term() == term && now - ack.getValue().sentNanos() <= nanos)
                .map(java.util.Map.Entry::getKey)
                .collect(Collectors.toSet());
    }

    private Grant count(ConfigurationEntry conf, long term) {
        long now = nanoClock.getAsLong();
        Majority current = majority(conf.getConf(), term, now);
        if (!current.reached()) {
            return new Grant(null, term, 0, false);
        }
        if (conf.getOldConf().isEmpty()) {
            return new Grant(conf, term, current.sinceNanos(), current.alone());
        }
        Majority old = majority(conf.getOldConf(), term, now);
        if (!old.reached()) {
            return new Grant(null, term, 0, false);
        }
        boolean alone = current.alone() && old.alone();
        long since = current.sinceNanos() - old.sinceNanos() <= 0 ? current.sinceNanos() : old.sinceNanos();
        return new Grant(conf, term, since, alone);
    }

    private record Majority(boolean reached, long sinceNanos, boolean alone) {}

    /** Times as ages, for the monotonic clock may be anywhere: the quorum's smallest age that covers a majority. */
    private Majority majority(Configuration conf, long term, long now) {
        if (conf.isEmpty()) {
            return new Majority(false, 0, false);
        }
        int quorum = conf.getPeers().size() / 2 + 1;
        long[] ages = new long[conf.getPeers().size()];
        int known = 0;
        boolean withSelf = false;
        for (PeerId peer : conf.getPeers()) {
            if (peer.equals(self)) {
                ages[known++] = 0;
                withSelf = true;
                continue;
            }
            Ack ack = acks.get(peer);
            if (ack != null && ack.term() == term) {
                ages[known++] = Math.max(0, now - ack.sentNanos());
            }
        }
        if (known < quorum) {
            return new Majority(false, 0, false);
        }
        Arrays.sort(ages, 0, known);
        return new Majority(true, now - ages[quorum - 1], withSelf && quorum == 1);
    }
}
