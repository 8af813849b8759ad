package io.rutile.pd.meta;

import io.rutile.raft.Replica;
import io.rutile.raft.Replicas;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The members that a PD group begins with, in the order of the setting {@code name=host:port,…}. A member's id is its place
 * in that list, from 1: it is its Raft store id and peer id too, so the order must be the same everywhere.
 *
 * @param members at least one
 */
public record InitialCluster(List<Entry> members) {

    /**
     * One member.
     *
     * @param raftAddress where the other members reach it
     */
    public record Entry(String name, String raftAddress) {}

    public InitialCluster {
        members = List.copyOf(members);
    }

    /**
     * The members from the setting's text.
     *
     * @throws IllegalArgumentException in words for whoever wrote the setting
     */
    public static InitialCluster parse(String text) {
        List<Entry> members = new ArrayList<>();
        Set<String> names = new HashSet<>();
        Set<String> addresses = new HashSet<>();
        for (String part : text.split(",", -1)) {
            int equals = part.indexOf('=');
            if (equals <= 0) {
                throw new IllegalArgumentException(
                        "initial-cluster has '" + part.strip() + "' where name=host:port belongs");
            }
            Entry entry = new Entry(
                    part.substring(0, equals).strip(),
                    part.substring(equals + 1).strip());
            HostPort.parse(entry.raftAddress());
            if (!names.add(entry.name()) || !addresses.add(entry.raftAddress())) {
                throw new IllegalArgumentException("initial-cluster names " + entry.name() + " or its address twice");
            }
            members.add(entry);
        }
        return new InitialCluster(members);
    }

    /**
     * From 1.
     *
     * @throws IllegalArgumentException if there is no such member
     */
    public long idOf(String name) {
        for (int i = 0; i < members.size(); i++) {
            if (members.get(i).name().equals(name)) {
                return i + 1L;
            }
        }
        throw new IllegalArgumentException("member '" + name + "' is not in initial-cluster "
                + members.stream().map(Entry::name).toList());
    }

    public boolean contains(long memberId) {
        return memberId >= 1 && memberId <= members.size();
    }

    public Entry member(long memberId) {
        return members.get(Math.toIntExact(memberId - 1));
    }

    /** A membership of voters alone. */
    public static Replicas replicas(Collection<Long> memberIds) {
        return new Replicas(
                memberIds.stream().map(InitialCluster::replica).collect(Collectors.toUnmodifiableSet()), Set.of());
    }

    public static Replica replica(long memberId) {
        return new Replica(memberId, memberId);
    }

    /**
     * Positive, the same on all members of a group and very likely another on members of another group: what the Raft
     * transport compares when it connects, before the cluster has an id of its own.
     */
    public long fingerprint() {
        // FNV-1a: defined by its bytes, so that it is the same on every JVM and in every release.
        long hash = 0xcbf29ce484222325L;
        for (byte b : toString().getBytes(StandardCharsets.UTF_8)) {
            hash = (hash ^ (b & 0xff)) * 0x100000001b3L;
        }
        return Math.max(1, hash & Long.MAX_VALUE);
    }

    /** As it is written in the setting. */
    @Override
    public String toString() {
        return members.stream().map(m -> m.name() + "=" + m.raftAddress()).collect(Collectors.joining(","));
    }
}
