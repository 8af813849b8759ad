package io.rutile.protocol;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.ExtensionRegistryLite;
import com.google.protobuf.WireFormat;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.KvPair;
import io.rutile.protocol.kvrpcpb.ScanResponse;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The answer to one RawScan or KvScan as a client reads it: keys and values leave its bytes as what they are wanted as, without a message for
 * each pair. The counterpart of {@link PairBytes}. Not changed once it is read.
 */
public final class ScanPage {

    private static final ExtensionRegistryLite NO_EXTENSIONS = ExtensionRegistryLite.getEmptyRegistry();
    private static final byte[] NOTHING = {};

    private static final int REGION_ERROR = tag(ScanResponse.REGION_ERROR_FIELD_NUMBER);
    private static final int PAIR = tag(ScanResponse.PAIRS_FIELD_NUMBER);
    /** Of transactional scans alone. */
    private static final int ERROR = tag(ScanResponse.ERROR_FIELD_NUMBER);

    private static final int PAIR_ERROR = tag(KvPair.ERROR_FIELD_NUMBER);
    private static final int PAIR_KEY = tag(KvPair.KEY_FIELD_NUMBER);
    private static final int PAIR_VALUE = tag(KvPair.VALUE_FIELD_NUMBER);

    private final List<ByteKey> keys = new ArrayList<>();
    private final List<byte[]> values = new ArrayList<>();
    private final List<KeyError> pairErrors = new ArrayList<>();
    private long bytes;
    private @Nullable Error regionError;
    private @Nullable KeyError error;

    private ScanPage() {}

    private static int tag(int field) {
        return field << 3 | WireFormat.WIRETYPE_LENGTH_DELIMITED;
    }

    /** The same method, its answers read as pages. */
    public static <Q> MethodDescriptor<Q, ScanPage> answersOf(MethodDescriptor<Q, ?> scan) {
        return scan.toBuilder(scan.getRequestMarshaller(), new Reading()).build();
    }

    /** @throws IOException if those are no bytes of an answer */
    static ScanPage read(InputStream answer) throws IOException {
        ScanPage page = new ScanPage();
        page.readFields(CodedInputStream.newInstance(answer));
        return page;
    }

    private void readFields(CodedInputStream in) throws IOException {
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (tag == PAIR) {
                int outer = in.pushLimit(in.readRawVarint32());
                readPair(in);
                in.popLimit(outer);
            } else if (tag == REGION_ERROR) {
                regionError = in.readMessage(Error.parser(), NO_EXTENSIONS);
            } else if (tag == ERROR) {
                error = in.readMessage(KeyError.parser(), NO_EXTENSIONS);
            } else {
                in.skipField(tag);
            }
        }
    }

    private void readPair(CodedInputStream in) throws IOException {
        byte[] key = NOTHING;
        byte[] value = NOTHING;
        KeyError why = null;
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (tag == PAIR_KEY) {
                key = in.readByteArray();
            } else if (tag == PAIR_VALUE) {
                value = in.readByteArray();
            } else if (tag == PAIR_ERROR) {
                why = in.readMessage(KeyError.parser(), NO_EXTENSIONS);
            } else {
                in.skipField(tag);
            }
        }
        if (why != null) {
            pairErrors.add(why);
        } else if (pairErrors.isEmpty()) {
            keys.add(ByteKey.wrap(key));
            values.add(value);
            bytes += key.length + value.length;
        }
    }

    /** Pairs in front of the first one that is an error. */
    public int size() {
        return keys.size();
    }

    public ByteKey key(int i) {
        return keys.get(i);
    }

    /** Shared, not copied. */
    public byte[] value(int i) {
        return values.get(i);
    }

    /** Of all keys and values. */
    public long bytes() {
        return bytes;
    }

    /** What stands in the place of pairs. */
    public List<KeyError> pairErrors() {
        return Collections.unmodifiableList(pairErrors);
    }

    public @Nullable Error regionError() {
        return regionError;
    }

    /** Why there is no answer. */
    public @Nullable KeyError error() {
        return error;
    }

    /** gRPC's way to a page. */
    private static final class Reading implements MethodDescriptor.Marshaller<ScanPage> {

        @Override
        public ScanPage parse(InputStream stream) {
            try {
                return read(stream);
            } catch (IOException e) {
                throw Status.INTERNAL
                        .withDescription("the answer to a scan can't be read")
                        .withCause(e)
                        .asRuntimeException();
            }
        }

        @Override
        public InputStream stream(ScanPage page) {
            throw new UnsupportedOperationException("pages are only read");
        }
    }
}
