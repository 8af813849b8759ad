package io.rutile.raft.transport;

import com.alipay.sofa.jraft.rpc.RaftRpcFactory;
import com.alipay.sofa.jraft.rpc.RpcClient;
import com.alipay.sofa.jraft.rpc.RpcServer;
import com.alipay.sofa.jraft.util.Endpoint;
import com.alipay.sofa.jraft.util.SPI;
import org.jspecify.annotations.Nullable;

/**
 * What JRaft finds through its service file instead of its own transport: clients that belong to their group, and no server, for
 * the port is {@link RaftTransport}'s.
 */
@SPI(priority = 100)
public final class TransportRpcFactory implements RaftRpcFactory {

    /** Made by JRaft's service loader. */
    public TransportRpcFactory() {}

    @Override
    public void registerProtobufSerializer(String className, Object... args) {
        // The table of messages is fixed: MessageTypes.
    }

    @Override
    public RpcClient createRpcClient(@Nullable ConfigHelper<RpcClient> helper) {
        return new GroupRpcClient();
    }

    @Override
    public RpcServer createRpcServer(Endpoint endpoint, @Nullable ConfigHelper<RpcServer> helper) {
        throw new UnsupportedOperationException("the Raft port is opened by RaftServer");
    }
}
