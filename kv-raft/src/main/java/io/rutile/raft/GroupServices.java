package io.rutile.raft;

import com.alipay.sofa.jraft.JRaftServiceFactory;
import com.alipay.sofa.jraft.entity.codec.LogEntryCodecFactory;
import com.alipay.sofa.jraft.entity.codec.v2.LogEntryV2CodecFactory;
import com.alipay.sofa.jraft.option.NodeOptions;
import com.alipay.sofa.jraft.option.RaftOptions;
import com.alipay.sofa.jraft.storage.LogStorage;
import com.alipay.sofa.jraft.storage.RaftMetaStorage;
import com.alipay.sofa.jraft.storage.SnapshotStorage;
import io.rutile.raft.log.GroupLog;
import io.rutile.raft.log.GroupVote;
import io.rutile.raft.transport.GroupCalls;

/** What one group's JRaft node is built from: its parts of the shared log, and its way to other stores. */
record GroupServices(GroupLog entries, GroupVote vote, GroupSnapshots snapshots, GroupCalls calls)
        implements JRaftServiceFactory, GroupCalls.Provider {

    @Override
    public LogStorage createLogStorage(String uri, RaftOptions options) {
        return entries;
    }

    @Override
    public SnapshotStorage createSnapshotStorage(NodeOptions options) {
        return snapshots;
    }

    @Override
    public RaftMetaStorage createRaftMetaStorage(String uri, RaftOptions options) {
        return vote;
    }

    @Override
    public LogEntryCodecFactory createLogEntryCodecFactory() {
        return LogEntryV2CodecFactory.getInstance();
    }
}
