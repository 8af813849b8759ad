package io.rutile.raft;

import com.alipay.sofa.jraft.StateMachine;
import com.alipay.sofa.jraft.conf.Configuration;
import com.alipay.sofa.jraft.entity.PeerId;
import com.alipay.sofa.jraft.entity.RaftOutter.SnapshotMeta;
import com.alipay.sofa.jraft.option.NodeOptions;
import com.alipay.sofa.jraft.option.ReadOnlyOption;
import com.alipay.sofa.jraft.util.concurrent.DefaultFixedThreadsExecutorGroupFactory;
import com.alipay.sofa.jraft.util.concurrent.FixedThreadsExecutorGroup;

/** JRaft's settings for a group that shares everything. One page, with the reason for each. */
final class NodeOptionsOf {

    /** Events that wait between two steps of a group. A power of two; full means BUSY to a proposer. */
    private static final int RING = 512;

    private static final int INSTALL_MS_MAX = 30 * 60 * 1_000;
    /** Of one group; all together are bounded by {@link RaftMemory}. */
    private static final long LOGS_IN_MEMORY_BYTES_MAX = 16L << 20;

    /** Of one message; from half a MiB on, the collector of a small heap treats an array as one of its large objects. */
    private static final int MESSAGE_BYTES = 256 << 10;

    /** Messages of entries to one follower that are not answered; JRaft's own 256 of half a MiB each are more than a small heap. */
    private static final int IN_FLIGHT_MESSAGES_MAX = 64;

    /** JRaft wants one; our client never uses it, and its thread is never started. */
    private static final FixedThreadsExecutorGroup UNUSED =
            DefaultFixedThreadsExecutorGroupFactory.INSTANCE.newExecutorGroup(1, "raft-unused", 16, true);

    private NodeOptionsOf() {}

    static NodeOptions group(RaftOptions options, GroupServices services, StateMachine driver) {
        int timeoutMs = Math.toIntExact(options.electionTimeout().toMillis());
        com.alipay.sofa.jraft.option.RaftOptions raft = new com.alipay.sofa.jraft.option.RaftOptions();
        raft.setDisruptorBufferSize(RING);
        raft.setEnableLogEntryChecksum(true);
        raft.setMaxLogsInMemoryBytes(LOGS_IN_MEMORY_BYTES_MAX);
        raft.setMaxBodySize(MESSAGE_BYTES);
        raft.setMaxReplicatorInflightMsgs(IN_FLIGHT_MESSAGES_MAX);
        // Spread of election time-outs: a quarter keeps two candidates apart and the whole short.
        raft.setMaxElectionDelayMs(Math.max(50, timeoutMs / 2));
        raft.setOpenStatistics(false);
        raft.setReadOnlyOptions(ReadOnlyOption.ReadOnlySafe);
        raft.setSync(true);
        raft.setSyncMeta(true);
        raft.setApplyBatch(128);

        NodeOptions node = new NodeOptions();
        node.setRaftOptions(raft);
        node.setFsm(driver);
        node.setServiceFactory(services);
        node.setLogUri("shared");
        node.setRaftMetaUri("shared");
        node.setSnapshotUri("shared");
        node.setElectionTimeoutMs(timeoutMs);
        node.setSnapshotIntervalSecs(0);
        node.setDisableCli(true);
        node.setEnableMetrics(false);
        node.setSharedTimerPool(true);
        node.setSharedElectionTimer(true);
        node.setSharedVoteTimer(true);
        node.setSharedStepDownTimer(true);
        node.setSharedSnapshotTimer(true);
        node.setAppendEntriesExecutors(UNUSED);
        // A pool of no threads per group: answers come on our pools.
        node.setRpcProcessorThreadPoolSize(1);
        node.setRpcDefaultTimeout(timeoutMs);
        node.setRpcInstallSnapshotTimeout(INSTALL_MS_MAX);
        return node;
    }

    /** The membership of a snapshot's meta. */
    static Configuration conf(SnapshotMeta meta) {
        Configuration conf = new Configuration();
        for (String text : meta.getPeersList()) {
            conf.addPeer(PeerIds.of(PeerIds.parse(text)));
        }
        for (String text : meta.getLearnersList()) {
            PeerId learner = PeerIds.of(PeerIds.parse(text));
            conf.addLearner(learner);
        }
        return conf;
    }
}
