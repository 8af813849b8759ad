package io.rutile.gateway.rest;

import io.rutile.gateway.kv.PrefixRange;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.WireLimits;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Keys as requests spell them: checked, decoded, at most {@link WireLimits#KEY_BYTES_MAX} long. */
final class RequestKeys {

    private static final String RAW = "/v1/raw/";
    private static final String SNAPSHOT = "/v1/txn/keys/";
    private static final Pattern TRANSACTION = Pattern.compile("/v1/txn/[0-9A-Za-z_-]{1,64}/keys/");

    private RequestKeys() {}

    /** The prefix of a path behind which everything is the key; null if this path has no key. */
    static @Nullable String pathPrefix(String rawPath) {
        for (String prefix : List.of(RAW, SNAPSHOT)) {
            if (rawPath.startsWith(prefix)) {
                return prefix;
            }
        }
        Matcher transaction = TRANSACTION.matcher(rawPath);
        return transaction.lookingAt() ? transaction.group() : null;
    }

    /**
     * The key at the end of a path. It is read from the request line as it came, because the container's and the framework's views
     * of a path have already lost {@code //}, {@code ..}, {@code ;} and bytes that are not UTF-8.
     *
     * @param rawPath the path as the client sent it
     */
    static ByteKey inPath(String rawPath, KeyEncoding encoding) {
        String prefix = pathPrefix(rawPath);
        if (prefix == null) {
            throw ProblemType.INVALID_REQUEST.because(
                    "the path has no key: it is " + rawPath + "/<key>, and " + rawPath + "/ for the empty key");
        }
        byte[] bytes = percentDecode(rawPath.substring(prefix.length()));
        try {
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
            return of(text, encoding, "the key in the path");
        } catch (CharacterCodingException e) {
            throw ProblemType.INVALID_REQUEST.because(
                    "the key in the path is not valid UTF-8: binary keys are spelled with enc=hex or enc=base64url");
        }
    }

    /** @param what names the key in a problem */
    static ByteKey of(String text, KeyEncoding encoding, String what) {
        return checked(encoding.decode(text, what), what);
    }

    static ByteKey checked(byte[] key, String what) {
        if (key.length > WireLimits.KEY_BYTES_MAX) {
            throw ProblemType.INVALID_REQUEST.because(
                    what + " has " + key.length + " bytes, more than " + WireLimits.KEY_BYTES_MAX);
        }
        return ByteKey.wrap(key);
    }

    /**
     * A range as a query spells it.
     *
     * @param start null or empty for "from the first key"
     * @param end null or empty for "to the last key"
     * @param prefix instead of both: every key that begins with it
     */
    static KeyRange range(@Nullable String start, @Nullable String end, @Nullable String prefix, KeyEncoding encoding) {
        if (prefix != null) {
            if (start != null || end != null) {
                throw ProblemType.INVALID_REQUEST.because("prefix stands alone: leave out start and end");
            }
            return PrefixRange.of(of(prefix, encoding, "prefix"));
        }
        return new KeyRange(
                of(start == null ? "" : start, encoding, "start"), of(end == null ? "" : end, encoding, "end"));
    }

    private static byte[] percentDecode(String escaped) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(escaped.length());
        for (int i = 0; i < escaped.length(); i++) {
            char c = escaped.charAt(i);
            if (c != '%' && c < 0x80) {
                bytes.write(c);
            } else if (c == '%'
                    && i + 2 < escaped.length()
                    && HexFormat.isHexDigit(escaped.charAt(i + 1))
                    && HexFormat.isHexDigit(escaped.charAt(i + 2))) {
                bytes.write(HexFormat.fromHexDigits(escaped, i + 1, i + 3));
                i += 2;
            } else {
                throw ProblemType.INVALID_REQUEST.because(
                        "the path has a byte that must be escaped, or a % without two hex digits");
            }
        }
        return bytes.toByteArray();
    }
}
