package io.rutile.pd.meta;

import io.rutile.protocol.metapb.Store;
import io.rutile.protocol.pdpb.Member;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;

/** Hard state over a {@link LocalMetaLog}, for the rooms above. */
public record LocalMeta(MetaStateMachine stateMachine, LocalMetaLog log, MetaStore store) {

    public static final LeadershipListener NOBODY = new LeadershipListener() {
        @Override
        public void onLeaderStart(long term) {}

        @Override
        public void onLeaderStop() {}

        @Override
        public void onLeaderChanged(long leaderId) {}

        @Override
        public void onFailure(Throwable cause) {}
    };

    /** Member 1 of a group that began with {@code pd-1} and {@code pd-2}, as it announces itself. */
    public PdMember member(Supplier<Member> self) {
        MemberIdentity identity =
                MemberIdentity.initial(InitialCluster.parse("pd-1=127.0.0.1:1,pd-2=127.0.0.1:2"), "pd-1", 77, 7);
        return new PdMember(self, identity, new MemberDirectory(identity, List.of(), stateMachine::state), store);
    }

    public static LocalMeta in(Path directory) {
        return in(directory, 1, NOBODY);
    }

    public static LocalMeta in(Path directory, long memberId, LeadershipListener listener) {
        try {
            MetaStateMachine stateMachine = new MetaStateMachine(directory, listener);
            LocalMetaLog log = new LocalMetaLog(stateMachine, memberId);
            return new LocalMeta(stateMachine, log, new MetaStore(log, stateMachine::state));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Begins as if these stores, in whatever state, had been put there by earlier terms. */
    public static LocalMeta withStores(Path directory, List<Store> stores) {
        MetaState state = MetaState.EMPTY;
        for (Store store : stores) {
            state = state.withStore(store);
        }
        try {
            Files.createDirectories(directory);
            MetaImage.write(directory, state);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return in(directory);
    }

    public MetaState state() {
        return stateMachine.state();
    }

    /** Proposes in the current term and takes the outcome, which is there at once. */
    public MetaOutcome propose(MetaRecord record) {
        return store.propose(record, log.term()).join();
    }
}
