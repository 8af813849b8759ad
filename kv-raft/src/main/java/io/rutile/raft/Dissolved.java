package io.rutile.raft;

import com.alipay.sofa.jraft.rpc.RpcRequests.ErrorResponse;
import com.google.protobuf.Message;
import org.jspecify.annotations.Nullable;

/** The answer to a message of a group that has ended: an error response with a code of our own, which JRaft takes for any failure. */
final class Dissolved {

    /** Outside JRaft's own codes. */
    private static final int CODE = 20_001;

    private Dissolved() {}

    static Message answer(long groupId) {
        return ErrorResponse.newBuilder()
                .setErrorCode(CODE)
                .setErrorMsg("group " + groupId + " has ended")
                .build();
    }

    static boolean is(@Nullable Message response) {
        return response instanceof ErrorResponse error && error.getErrorCode() == CODE;
    }
}
