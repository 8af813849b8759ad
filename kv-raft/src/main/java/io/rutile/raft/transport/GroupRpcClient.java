package io.rutile.raft.transport;

import com.alipay.sofa.jraft.ReplicatorGroup;
import com.alipay.sofa.jraft.error.InvokeTimeoutException;
import com.alipay.sofa.jraft.error.RemotingException;
import com.alipay.sofa.jraft.option.NodeOptions;
import com.alipay.sofa.jraft.option.RpcOptions;
import com.alipay.sofa.jraft.rpc.InvokeCallback;
import com.alipay.sofa.jraft.rpc.InvokeContext;
import com.alipay.sofa.jraft.rpc.RpcClient;
import com.alipay.sofa.jraft.util.Endpoint;
import com.google.protobuf.Message;
import org.jspecify.annotations.Nullable;

/**
 * What a JRaft node takes for its network: a thin face of the shared transport.
 *
 * <p>It always says "connected". A replicator then starts whether its store is up or not and keeps probing it, so none can be
 * forgotten because a stream closed while it was being registered, and no vote ever waits for a connection.
 */
final class GroupRpcClient implements RpcClient {

    private @Nullable GroupCalls calls;

    @Override
    public boolean init(RpcOptions options) {
        if (!(options instanceof NodeOptions node)
                || !(node.getServiceFactory() instanceof GroupCalls.Provider provider)) {
            throw new IllegalStateException("a node that RaftServer did not start");
        }
        calls = provider.calls();
        return true;
    }

    @Override
    public void invokeAsync(
            Endpoint endpoint, Object request, @Nullable InvokeContext ctx, InvokeCallback callback, long timeoutMs) {
        GroupCalls out = calls;
        if (out == null) {
            throw new IllegalStateException("not initialised");
        }
        out.send(endpoint, (Message) request, timeoutMs, (response, failure) -> {
            if (failure instanceof LinkException link && link.isTimeout()) {
                callback.complete(null, new InvokeTimeoutException(link.getMessage()));
            } else {
                callback.complete(response, failure);
            }
        });
    }

    @Override
    public Object invokeSync(Endpoint endpoint, Object request, @Nullable InvokeContext ctx, long timeoutMs)
            throws RemotingException {
        throw new RemotingException("nothing here waits for an answer");
    }

    @Override
    public boolean checkConnection(Endpoint endpoint) {
        return true;
    }

    @Override
    public boolean checkConnection(Endpoint endpoint, boolean createIfAbsent) {
        return true;
    }

    @Override
    public void closeConnection(Endpoint endpoint) {
        // Streams are shared by all groups.
    }

    @Override
    public void registerConnectEventListener(ReplicatorGroup replicatorGroup) {
        // Replicators probe by themselves, see above.
    }

    @Override
    public void shutdown() {
        // The transport outlives the group.
    }
}
