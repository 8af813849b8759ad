package io.rutile.pd.meta;

import io.rutile.raft.CommittedEntries;
import io.rutile.raft.Replica;
import io.rutile.raft.ReplicatedStateMachine;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Replays records onto the hard state. The state lives in memory; a file holds it as of the last {@link #persist}, and the
 * log the rest.
 *
 * <p>Threads: see {@link ReplicatedStateMachine}. Whoever reads takes the one current immutable state, so an image is always
 * of a single moment.
 */
public final class MetaStateMachine implements ReplicatedStateMachine<MetaOutcome> {

    private final Path directory;
    private final LeadershipListener listener;
    private volatile MetaState state;

    /**
     * Loads the image in the directory, which is created if missing.
     *
     * @throws IOException if the directory can't be used or the image is damaged
     */
    public MetaStateMachine(Path directory, LeadershipListener listener) throws IOException {
        Files.createDirectories(directory);
        this.directory = directory;
        this.listener = listener;
        this.state = MetaImage.read(directory).orElse(MetaState.EMPTY);
    }

    public MetaState state() {
        return state;
    }

    @Override
    public long appliedIndex() {
        return state.appliedIndex();
    }

    @Override
    public void apply(CommittedEntries<MetaOutcome> entries) {
        MetaState next = state;
        while (entries.next()) {
            MetaRecord.Transition transition = decode(entries.data()).applyTo(next);
            next = transition.state();
            entries.complete(transition.outcome());
        }
        state = next.withAppliedIndex(entries.index());
    }

    private static MetaRecord decode(ByteBuffer data) {
        byte[] bytes = new byte[data.remaining()];
        data.get(bytes);
        try {
            return MetaRecord.decode(bytes);
        } catch (IOException e) {
            // A member that cannot read the log must stop rather than skip: it would differ from the others for ever.
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void persist() throws IOException {
        MetaImage.write(directory, state);
    }

    @Override
    public long writeImage(Path target) throws IOException {
        MetaState moment = state;
        MetaImage.write(target, moment);
        return moment.appliedIndex();
    }

    @Override
    public void installImage(Path source) throws IOException {
        MetaState image = MetaImage.read(source).orElseThrow(() -> new IOException("no image in " + source));
        MetaImage.write(directory, image);
        state = image;
    }

    @Override
    public void onLeaderStart(long term) {
        listener.onLeaderStart(term);
    }

    @Override
    public void onLeaderStop() {
        listener.onLeaderStop();
    }

    @Override
    public void onLeaderChanged(@Nullable Replica leader, long term) {
        listener.onLeaderChanged(leader == null ? 0 : leader.storeId());
    }

    @Override
    public void onFailure(Throwable cause) {
        listener.onFailure(cause);
    }
}
