package io.rutile.pd.http;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Percent-encoded text. Keys are any bytes, so what is decoded is a text whose chars are bytes; {@link #utf8} makes words of
 * it where words are meant.
 */
final class PercentText {

    private static final int PARAMETERS_MAX = 256;

    private PercentText() {}

    /** @throws ApiError 400 if a percent sign is followed by anything but two hex digits */
    static String decode(String encoded) {
        StringBuilder decoded = new StringBuilder(encoded.length());
        for (int i = 0; i < encoded.length(); i++) {
            char c = encoded.charAt(i);
            if (c == '+') {
                decoded.append(' ');
            } else if (c == '%') {
                decoded.append((char) hexByte(encoded, i + 1));
                i += 2;
            } else {
                decoded.append((char) (c & 0xff));
            }
        }
        return decoded.toString();
    }

    private static int hexByte(String encoded, int at) {
        int high = at + 1 < encoded.length() ? Character.digit(encoded.charAt(at), 16) : -1;
        int low = at + 1 < encoded.length() ? Character.digit(encoded.charAt(at + 1), 16) : -1;
        if (high < 0 || low < 0) {
            throw ApiError.badRequest("a percent sign in the address is not followed by two hex digits");
        }
        return high << 4 | low;
    }

    static byte[] bytes(String decoded) {
        return decoded.getBytes(StandardCharsets.ISO_8859_1);
    }

    static String utf8(String decoded) {
        return new String(bytes(decoded), StandardCharsets.UTF_8);
    }

    /** Values by name, both decoded, in their order. */
    static Map<String, List<String>> query(String encoded) {
        Map<String, List<String>> values = new LinkedHashMap<>();
        if (encoded.isEmpty()) {
            return values;
        }
        String[] parameters = encoded.split("&", PARAMETERS_MAX + 1);
        if (parameters.length > PARAMETERS_MAX) {
            throw ApiError.badRequest("more than " + PARAMETERS_MAX + " parameters");
        }
        for (String parameter : parameters) {
            int equals = parameter.indexOf('=');
            String name = equals < 0 ? parameter : parameter.substring(0, equals);
            String value = equals < 0 ? "" : parameter.substring(equals + 1);
            values.computeIfAbsent(decode(name), first -> new ArrayList<>()).add(decode(value));
        }
        return values;
    }
}
