package io.rutile.node.rpc;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.kvrpcpb.KeyError;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Where answers of one type say what went wrong. Fields are looked up by name once for each type: every answer is asked.
 *
 * @param regionError what is wrong with the Region
 * @param keyErrors what is wrong with a key; the first that is there counts
 * @param text what is wrong in words, in answers of the raw API
 */
record AnswerErrors(
        @Nullable FieldDescriptor regionError,
        FieldDescriptor[] keyErrors,
        @Nullable FieldDescriptor text) {

    private static final Map<Descriptor, AnswerErrors> BY_TYPE = new ConcurrentHashMap<>();

    static AnswerErrors of(Descriptor type) {
        AnswerErrors known = BY_TYPE.get(type);
        return known != null ? known : BY_TYPE.computeIfAbsent(type, AnswerErrors::look);
    }

    private static AnswerErrors look(Descriptor type) {
        FieldDescriptor error = type.findFieldByName("error");
        FieldDescriptor[] keyErrors = Stream.of(error, type.findFieldByName("errors"))
                .filter(field -> field != null
                        && field.getJavaType() == FieldDescriptor.JavaType.MESSAGE
                        && field.getMessageType().equals(KeyError.getDescriptor()))
                .toArray(FieldDescriptor[]::new);
        boolean isText = error != null && error.getJavaType() == FieldDescriptor.JavaType.STRING;
        return new AnswerErrors(type.findFieldByName("region_error"), keyErrors, isText ? error : null);
    }

    /** What kind of failure an answer carries, as a metric's label; {@code none} if it carries none. */
    static String kind(Message answer) {
        return of(answer.getDescriptorForType()).kindOf(answer);
    }

    private String kindOf(Message answer) {
        if (regionError != null && answer.hasField(regionError)) {
            return first((Error) answer.getField(regionError), Error.MESSAGE_FIELD_NUMBER, "message");
        }
        for (FieldDescriptor field : keyErrors) {
            if (field.isRepeated() ? answer.getRepeatedFieldCount(field) > 0 : answer.hasField(field)) {
                Object error = field.isRepeated() ? answer.getRepeatedField(field, 0) : answer.getField(field);
                return first((KeyError) error, KeyError.RETRYABLE_FIELD_NUMBER, "retryable");
            }
        }
        return text != null && !((String) answer.getField(text)).isEmpty() ? "refused" : "none";
    }

    /** The first thing that an error says: of a key that it is locked, a conflict, aborted and so on. */
    private static String first(Message error, int words, String nothingElse) {
        return error.getAllFields().keySet().stream()
                .filter(field -> field.getNumber() != words)
                .map(FieldDescriptor::getName)
                .findFirst()
                .orElse(nothingElse);
    }
}
