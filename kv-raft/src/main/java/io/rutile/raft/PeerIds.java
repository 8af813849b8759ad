package io.rutile.raft;

import com.alipay.sofa.jraft.conf.Configuration;
import com.alipay.sofa.jraft.entity.PeerId;
import com.alipay.sofa.jraft.util.Endpoint;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Replicas as JRaft sees them: {@code store<storeId>:1:<peerId>}, a logical address that only the transport resolves. The index
 * is the peer id, so that every incarnation is a member of its own (R3).
 */
final class PeerIds {

    private static final String PREFIX = "store";
    private static final int PORT = 1;

    private PeerIds() {}

    static PeerId of(Replica replica) {
        return new PeerId(PREFIX + replica.storeId(), PORT, Math.toIntExact(replica.peerId()));
    }

    static List<PeerId> of(Collection<Replica> replicas) {
        return replicas.stream().sorted().map(PeerIds::of).toList();
    }

    static Configuration of(Replicas replicas) {
        return new Configuration(of(replicas.voters()), of(replicas.learners()));
    }

    /** The store behind a logical address. */
    static long storeOf(Endpoint endpoint) {
        return storeOf(endpoint.getIp());
    }

    private static long storeOf(String host) {
        if (!host.startsWith(PREFIX)) {
            throw new IllegalArgumentException("not a store: " + host);
        }
        return Long.parseLong(host, PREFIX.length(), host.length(), 10);
    }

    static Replica replica(PeerId peer) {
        return new Replica(storeOf(peer.getEndpoint()), peer.getIdx());
    }

    /**
     * Reads a peer's text as it came from another store.
     *
     * @throws IllegalArgumentException if it is not one
     */
    static Replica parse(String text) {
        int first = text.indexOf(':');
        int second = text.indexOf(':', first + 1);
        if (first < 0 || second < 0) {
            throw new IllegalArgumentException("not a replica");
        }
        return new Replica(storeOf(text.substring(0, first)), Long.parseLong(text, second + 1, text.length(), 10));
    }

    static @Nullable Replica replicaOrNull(@Nullable PeerId peer) {
        return peer == null || peer.isEmpty() ? null : replica(peer);
    }

    static Replicas replicas(Configuration conf) {
        return new Replicas(set(conf.getPeers()), set(conf.getLearners()));
    }

    private static Set<Replica> set(Collection<PeerId> peers) {
        Set<Replica> replicas = new HashSet<>();
        for (PeerId peer : peers) {
            replicas.add(replica(peer));
        }
        return replicas;
    }
}
