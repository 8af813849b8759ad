package io.rutile.pd.meta;

import io.rutile.protocol.pdpb.Member;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/**
 * This member among the others: who it is, who they are, who leads. The leader of the Raft group is the leader of PD; there
 * is no second election that could disagree. Safe from any thread.
 */
public final class PdMember {

    private final Supplier<Member> self;
    private final MemberIdentity identity;
    private final MemberDirectory directory;
    private final MetaStore meta;

    /** @param self as this member announces itself; asked once it listens, for its port may be any free one */
    public PdMember(Supplier<Member> self, MemberIdentity identity, MemberDirectory directory, MetaStore meta) {
        this.self = self;
        this.identity = identity;
        this.directory = directory;
        this.meta = meta;
    }

    public Member self() {
        return self.get();
    }

    public MemberIdentity identity() {
        return identity;
    }

    /** Names and Raft addresses. */
    public MemberDirectory directory() {
        return directory;
    }

    /** 0 until the first leader has named the cluster. */
    public long clusterId() {
        return meta.state().clusterId();
    }

    public boolean isBootstrapped() {
        return meta.state().bootstrapped();
    }

    /**
     * Members that vote and have announced where clients find them, by id; a client takes the first URL of each without looking. Not
     * those that have yet to catch up: they could tell nobody anything.
     */
    public List<Member> members() {
        Set<Long> voters = meta.log().voters();
        return meta.state().members().values().stream()
                .filter(member -> voters.contains(member.getMemberId()) && member.getClientUrlsCount() > 0)
                .toList();
    }

    /** The same and those that have yet to catch up, who may have no client URL yet; not those that are leaving. */
    public List<Member> admitted() {
        return List.copyOf(meta.state().members().values());
    }

    /** True if the member has a vote. */
    public boolean votes(long memberId) {
        return meta.log().voters().contains(memberId);
    }

    /** Ids of those that are in the Raft group, known by name or not. */
    public List<Long> group() {
        Set<Long> all = new HashSet<>(meta.log().voters());
        all.addAll(meta.log().learners());
        return new ArrayList<>(all);
    }

    /** Empty during an election, or until the leader has announced itself. */
    public Optional<Member> leader() {
        return Optional.ofNullable(meta.state().members().get(meta.log().leaderId()))
                .filter(member -> member.getClientUrlsCount() > 0);
    }

    /** True if some member leads, as far as this one knows. */
    public boolean knowsLeader() {
        return meta.log().leaderId() != 0;
    }

    /** True if the log does not yet say about this member what it would say itself. Who was removed has nothing to say. */
    public boolean mustAnnounce() {
        MetaState state = meta.state();
        long id = identity.id();
        Long incarnation = state.incarnations().byMember().get(id);
        return !state.incarnations().removed().contains(id)
                && (!self().equals(state.members().get(id))
                        || incarnation == null
                        || incarnation != identity.incarnation());
    }

    /** What it announces. */
    public MemberRecord announcement() {
        return new MemberRecord.IdentifyMember(identity.incarnation(), self());
    }

    /**
     * True if a member was removed, and the group goes on without its vote: it is needed no more. Only a yes that can never become a no
     * again.
     */
    public boolean isGone(long memberId) {
        return meta.state().incarnations().removed().contains(memberId)
                && !meta.log().voters().isEmpty()
                && !meta.log().voters().contains(memberId)
                && !meta.log().learners().contains(memberId);
    }

    /** What a member that is gone is told. */
    public static String goneWords(long memberId) {
        return MemberRecord.removedWords(memberId);
    }
}
