package io.rutile.raft;

import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/** Where a store's Raft port is now. Asked before each connection attempt, so that a store may change its address. */
public interface StoreAddresses {

    /** Must not block for long; null if the address is not known yet, and the connection is tried again later. */
    @Nullable InetSocketAddress resolve(long storeId);
}
