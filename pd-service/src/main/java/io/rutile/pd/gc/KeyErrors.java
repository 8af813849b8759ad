package io.rutile.pd.gc;

import com.google.protobuf.Descriptors.FieldDescriptor;
import io.rutile.protocol.kvrpcpb.KeyError;
import java.util.stream.Collectors;

/** What a store refused, in words without a key (E3). */
final class KeyErrors {

    private KeyErrors() {}

    static String kind(KeyError error) {
        return error.getAllFields().keySet().stream()
                .map(FieldDescriptor::getName)
                .collect(Collectors.joining("+"));
    }
}
