package io.rutile.raft.log;

import com.alipay.sofa.jraft.entity.PeerId;
import com.alipay.sofa.jraft.option.RaftMetaStorageOptions;
import com.alipay.sofa.jraft.storage.RaftMetaStorage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.rocksdb.RocksDBException;
import org.rocksdb.WriteBatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Term and vote of one group, on disk before they leave the process (R8): every change is synced, whatever the log's setting.
 *
 * <p>Written by JRaft under its node lock; the term may be read by anybody.
 */
public final class GroupVote implements RaftMetaStorage {

    /** The term of a bootstrapped membership; the first leader has a greater one. */
    public static final long FIRST_TERM = 1;

    private static final Logger LOG = LoggerFactory.getLogger(GroupVote.class);

    private final RaftLog log;
    private final long groupId;
    private volatile long term;
    private volatile PeerId votedFor = PeerId.emptyPeer();

    GroupVote(RaftLog log, long groupId) throws IOException {
        this.log = log;
        this.groupId = groupId;
        byte[] value = log.get(LogKeys.of(LogKeys.VOTE, groupId));
        if (value != null) {
            ByteBuffer in = ByteBuffer.wrap(value);
            term = in.getLong();
            String text = StandardCharsets.UTF_8.decode(in).toString();
            PeerId peer = new PeerId();
            if (!text.isEmpty() && !peer.parse(text)) {
                throw new IOException("vote of group " + groupId + " is damaged");
            }
            votedFor = peer;
        }
    }

    static byte[] encode(long term, String vote) {
        byte[] text = vote.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(8 + text.length).putLong(term).put(text).array();
    }

    @Override
    public boolean setTermAndVotedFor(long newTerm, PeerId peer) {
        try (WriteBatch batch = new WriteBatch()) {
            batch.put(LogKeys.of(LogKeys.VOTE, groupId), encode(newTerm, peer.isEmpty() ? "" : peer.toString()));
            log.write(batch, true);
            votedFor = peer.copy();
            term = newTerm;
            return true;
        } catch (LogFailure | RocksDBException e) {
            LOG.error("vote not saved group={} term={} cause={}", groupId, newTerm, e.getMessage());
            return false;
        }
    }

    @Override
    public boolean setTerm(long newTerm) {
        return setTermAndVotedFor(newTerm, votedFor);
    }

    @Override
    public boolean setVotedFor(PeerId peer) {
        return setTermAndVotedFor(term, peer);
    }

    /** The last term that is on disk. A leader's own term is here before it leads. */
    @Override
    public long getTerm() {
        return term;
    }

    @Override
    public PeerId getVotedFor() {
        return votedFor;
    }

    @Override
    public boolean init(RaftMetaStorageOptions options) {
        return true;
    }

    @Override
    public void shutdown() {
        // Nothing of its own to close.
    }
}
