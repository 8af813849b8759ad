package io.rutile.node.raftstore;

import io.rutile.raft.CommittedEntries;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Committed entries from a list, and what became of them. */
final class ListedEntries implements CommittedEntries<ApplyOutcome> {

    private final long firstIndex;
    private final List<byte[]> entries;
    final List<ApplyOutcome> outcomes = new ArrayList<>();
    private int at = -1;

    ListedEntries(long firstIndex, List<byte[]> entries) {
        this.firstIndex = firstIndex;
        this.entries = entries;
    }

    static ListedEntries of(long firstIndex, byte[]... entries) {
        return new ListedEntries(firstIndex, List.of(entries));
    }

    @Override
    public boolean next() {
        if (at + 1 == entries.size()) {
            return false;
        }
        at++;
        return true;
    }

    @Override
    public long index() {
        return firstIndex + at;
    }

    @Override
    public long term() {
        return 1;
    }

    @Override
    public ByteBuffer data() {
        return ByteBuffer.wrap(entries.get(at)).asReadOnlyBuffer();
    }

    @Override
    public void complete(ApplyOutcome outcome) {
        outcomes.add(outcome);
    }
}
