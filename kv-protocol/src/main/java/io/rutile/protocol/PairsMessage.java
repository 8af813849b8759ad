package io.rutile.protocol;

import com.google.protobuf.AbstractMessage;
import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.Parser;
import com.google.protobuf.UnknownFieldSet;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Map;

/**
 * A scan's answer with pairs and nothing else, of which only the bytes are kept. It is written, measured and asked for errors as it is; whoever
 * wants to see a pair has it parsed. Immutable.
 */
final class PairsMessage extends AbstractMessage {

    private final Message kind;
    private final ByteString bytes;

    /** @param kind an empty answer of that kind */
    PairsMessage(Message kind, ByteString bytes) {
        this.kind = kind;
        this.bytes = bytes;
    }

    @Override
    public int getSerializedSize() {
        return bytes.size();
    }

    @Override
    public void writeTo(CodedOutputStream out) throws IOException {
        out.writeRawBytes(bytes);
    }

    /** Straight from the chunks: gRPC's way. */
    @Override
    public void writeTo(OutputStream out) throws IOException {
        bytes.writeTo(out);
    }

    @Override
    public ByteString toByteString() {
        return bytes;
    }

    /** None that there is one of: errors are. */
    @Override
    public boolean hasField(FieldDescriptor field) {
        return field.isRepeated() && parsed().hasField(field);
    }

    private Message parsed() {
        try {
            return kind.getParserForType().parseFrom(bytes);
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalStateException("what was written as pairs can't be read", e);
        }
    }

    @Override
    public Object getField(FieldDescriptor field) {
        return parsed().getField(field);
    }

    @Override
    public int getRepeatedFieldCount(FieldDescriptor field) {
        return parsed().getRepeatedFieldCount(field);
    }

    @Override
    public Object getRepeatedField(FieldDescriptor field, int index) {
        return parsed().getRepeatedField(field, index);
    }

    @Override
    public Map<FieldDescriptor, Object> getAllFields() {
        return parsed().getAllFields();
    }

    @Override
    public UnknownFieldSet getUnknownFields() {
        return UnknownFieldSet.getDefaultInstance();
    }

    @Override
    public Descriptor getDescriptorForType() {
        return kind.getDescriptorForType();
    }

    @Override
    public Message getDefaultInstanceForType() {
        return kind;
    }

    @Override
    public Parser<? extends Message> getParserForType() {
        return kind.getParserForType();
    }

    @Override
    public Message.Builder newBuilderForType() {
        return kind.newBuilderForType();
    }

    @Override
    public Message.Builder toBuilder() {
        return parsed().toBuilder();
    }
}
