package io.rutile.pd.meta;

import io.rutile.protocol.pdpb.Member;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * This member among the others: who it is, who they are, who leads. The leader of the Raft group is the leader of PD; there
 * is no second election that could disagree. Safe from any thread.
 */
public final class PdMember {

    private final Supplier<Member> self;
    private final MetaStore meta;

    /** @param self as this member announces itself; asked once it listens, for its port may be any free one */
    public PdMember(Supplier<Member> self, MetaStore meta) {
        this.self = self;
        this.meta = meta;
    }

    public Member self() {
        return self.get();
    }

    /** 0 until the first leader has named the cluster. */
    public long clusterId() {
        return meta.state().clusterId();
    }

    public boolean isBootstrapped() {
        return meta.state().bootstrapped();
    }

    /** Members that have announced where clients find them, by id; a client takes the first URL of each without looking. */
    public List<Member> members() {
        return List.copyOf(meta.state().members().values());
    }

    /** Empty during an election, or until the leader has announced itself. */
    public Optional<Member> leader() {
        return Optional.ofNullable(meta.state().members().get(meta.log().leaderId()));
    }

    /** True if some member leads, as far as this one knows. */
    public boolean knowsLeader() {
        return meta.log().leaderId() != 0;
    }

    /** True if the log does not yet say about this member what it would say itself. */
    public boolean mustAnnounce() {
        return !self().equals(meta.state().members().get(self().getMemberId()));
    }
}
