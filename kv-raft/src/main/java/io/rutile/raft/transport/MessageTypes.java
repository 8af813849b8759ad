package io.rutile.raft.transport;

import com.alipay.sofa.jraft.rpc.RpcRequests;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.Parser;
import io.rutile.raft.wire.ReadIndexAnswer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.zip.CRC32;

/**
 * The messages that may travel. A type's number is the CRC32 of its full name, so that it does not depend on the order or the
 * number of messages in a version.
 */
final class MessageTypes {

    private static final Map<Integer, Parser<? extends Message>> PARSERS = new HashMap<>();
    private static final Map<Class<?>, Integer> NUMBERS = new HashMap<>();

    static {
        add(RpcRequests.AppendEntriesRequest.getDefaultInstance());
        add(RpcRequests.AppendEntriesResponse.getDefaultInstance());
        add(RpcRequests.RequestVoteRequest.getDefaultInstance());
        add(RpcRequests.RequestVoteResponse.getDefaultInstance());
        add(RpcRequests.InstallSnapshotRequest.getDefaultInstance());
        add(RpcRequests.InstallSnapshotResponse.getDefaultInstance());
        add(RpcRequests.TimeoutNowRequest.getDefaultInstance());
        add(RpcRequests.TimeoutNowResponse.getDefaultInstance());
        add(RpcRequests.ReadIndexRequest.getDefaultInstance());
        add(ReadIndexAnswer.getDefaultInstance());
        add(RpcRequests.ErrorResponse.getDefaultInstance());
    }

    private MessageTypes() {}

    private static void add(Message type) {
        int number = numberOf(type.getDescriptorForType().getFullName());
        if (PARSERS.put(number, type.getParserForType()) != null) {
            throw new IllegalStateException("two messages with one number: " + type.getClass());
        }
        NUMBERS.put(type.getClass(), number);
    }

    static int numberOf(String fullName) {
        CRC32 crc = new CRC32();
        crc.update(fullName.getBytes(StandardCharsets.UTF_8));
        return (int) crc.getValue();
    }

    static int number(Message message) {
        Integer number = NUMBERS.get(message.getClass());
        if (number == null) {
            throw new IllegalArgumentException(
                    "not a message of the Raft port: " + message.getClass().getSimpleName());
        }
        return number;
    }

    static Message parse(int number, ByteString body) throws InvalidProtocolBufferException {
        Parser<? extends Message> parser = PARSERS.get(number);
        if (parser == null) {
            throw new InvalidProtocolBufferException("unknown message type " + Integer.toHexString(number));
        }
        return parser.parseFrom(body);
    }
}
