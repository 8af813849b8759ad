package io.rutile.raft.transport;

import io.rutile.raft.wire.CoalescedHeartbeatAnswer;

/** Takes what another store has said to a heartbeat for many groups. */
@FunctionalInterface
public interface HeartbeatAnswer {

    void take(CoalescedHeartbeatAnswer said);
}
