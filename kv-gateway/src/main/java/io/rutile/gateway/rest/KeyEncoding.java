package io.rutile.gateway.rest;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * How bytes are written as text, the {@code enc} parameter. All of them are strict: text that is not exactly an encoding of some
 * bytes is refused, so that two spellings never name one key by accident.
 */
enum KeyEncoding {
    /** The text itself, as UTF-8. Only bytes that are valid UTF-8 can be written so. */
    UTF8("utf8") {
        @Override
        byte[] decodeStrictly(String text) throws CharacterCodingException {
            ByteBuffer bytes = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
            byte[] exact = new byte[bytes.remaining()];
            bytes.get(exact);
            return exact;
        }

        @Override
        String encode(byte[] bytes) {
            return new String(bytes, StandardCharsets.UTF_8);
        }
    },
    /** Two digits a byte, of either case; written in lower case. */
    HEX("hex") {
        @Override
        byte[] decodeStrictly(String text) {
            return HexFormat.of().parseHex(text);
        }

        @Override
        String encode(byte[] bytes) {
            return HexFormat.of().formatHex(bytes);
        }
    },
    /** The URL-safe alphabet of RFC 4648; padding may be given or left out, and is not written. */
    BASE64URL("base64url") {
        @Override
        byte[] decodeStrictly(String text) {
            byte[] bytes = Base64.getUrlDecoder().decode(text);
            if (!encode(bytes).equals(text.replaceFirst("={1,2}$", ""))) {
                throw new IllegalArgumentException("bits behind the last byte are not zero");
            }
            return bytes;
        }

        @Override
        String encode(byte[] bytes) {
            return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
        }
    };

    private final String parameter;

    KeyEncoding(String parameter) {
        this.parameter = parameter;
    }

    /**
     * The encoding that a request names.
     *
     * @param parameter null for the default, {@link #UTF8}
     * @throws ProblemException if there is no such encoding
     */
    static KeyEncoding of(@Nullable String parameter) {
        if (parameter == null) {
            return UTF8;
        }
        for (KeyEncoding encoding : values()) {
            if (encoding.parameter.equals(parameter)) {
                return encoding;
            }
        }
        throw ProblemType.INVALID_REQUEST.because("enc is one of utf8, hex and base64url");
    }

    /**
     * @param what names the text in the problem: the text itself is user data and stays out of it
     * @throws ProblemException if the text is not exactly an encoding of some bytes
     */
    byte[] decode(String text, String what) {
        try {
            return decodeStrictly(text);
        } catch (IllegalArgumentException | CharacterCodingException e) {
            throw ProblemType.INVALID_REQUEST.because(what + " is not valid " + parameter);
        }
    }

    abstract byte[] decodeStrictly(String text) throws CharacterCodingException;

    abstract String encode(byte[] bytes);
}
