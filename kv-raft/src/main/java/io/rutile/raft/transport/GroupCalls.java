package io.rutile.raft.transport;

import com.alipay.sofa.jraft.util.Endpoint;
import com.google.protobuf.Message;

/** A group's own way out: what its JRaft node sends passes here, and the group looks at it on the way. */
public interface GroupCalls {

    /**
     * @param timeoutMs after which the answer is a failure
     */
    void send(Endpoint to, Message request, long timeoutMs, OutboundCall.Answer answer);

    /** How a node's options lead to its group's calls. */
    interface Provider {
        GroupCalls calls();
    }
}
