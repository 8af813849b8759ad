package io.rutile.cli.command;

import io.rutile.cli.cluster.ClusterException;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;

/** How bytes are written as text on a command line and in files of pairs. */
enum TextForm {
    /**
     * UTF-8 text. In files tab, line feed, carriage return and backslash are written {@code \t \n \r \\}, and any other byte that is
     * not text {@code \xHH}.
     */
    TEXT {
        @Override
        byte[] parse(String text) {
            return text.getBytes(StandardCharsets.UTF_8);
        }

        @Override
        byte[] parseField(String field) {
            if (field.indexOf('\\') < 0) {
                return parse(field);
            }
            ByteArrayOutputStream bytes = new ByteArrayOutputStream(field.length());
            int from = 0;
            for (int at = field.indexOf('\\'); at >= 0; at = field.indexOf('\\', from)) {
                bytes.writeBytes(parse(field.substring(from, at)));
                if (at + 1 == field.length()) {
                    throw new ClusterException("a field ends in a single backslash; a backslash is written \\\\");
                }
                char escape = field.charAt(at + 1);
                from = at + 2;
                switch (escape) {
                    case 't' -> bytes.write('\t');
                    case 'n' -> bytes.write('\n');
                    case 'r' -> bytes.write('\r');
                    case '\\' -> bytes.write('\\');
                    case 'x' -> {
                        if (at + 4 > field.length()) {
                            throw new ClusterException("\\x wants two hex digits");
                        }
                        bytes.writeBytes(HEX.parse(field.substring(at + 2, at + 4)));
                        from = at + 4;
                    }
                    default ->
                        throw new ClusterException("\\" + escape + " is no escape; known are \\t \\n \\r \\\\ \\xHH");
                }
            }
            bytes.writeBytes(parse(field.substring(from)));
            return bytes.toByteArray();
        }

        @Override
        String formatField(byte[] bytes) {
            String text = new String(bytes, StandardCharsets.UTF_8);
            boolean isText = Arrays.equals(bytes, text.getBytes(StandardCharsets.UTF_8));
            StringBuilder field = new StringBuilder(bytes.length + 8);
            if (isText) {
                text.chars().forEach(c -> escape(field, c));
            } else {
                for (byte b : bytes) {
                    int c = b & 0xff;
                    escape(field, c < 0x80 ? c : -c);
                }
            }
            return field.toString();
        }

        /** @param c a character, or a byte's negative where bytes are no text */
        private void escape(StringBuilder field, int c) {
            switch (c) {
                case '\t' -> field.append("\\t");
                case '\n' -> field.append("\\n");
                case '\r' -> field.append("\\r");
                case '\\' -> field.append("\\\\");
                default -> {
                    if (c < 0x20 || c == 0x7f) {
                        field.append("\\x").append(HexFormat.of().toHexDigits((byte) Math.abs(c)));
                    } else {
                        field.append((char) c);
                    }
                }
            }
        }
    },
    /** Two hex digits a byte. */
    HEX {
        @Override
        byte[] parse(String text) {
            try {
                return HexFormat.of().parseHex(text);
            } catch (IllegalArgumentException e) {
                throw new ClusterException("'" + text + "' is not hex: two digits a byte, nothing between them", e);
            }
        }

        @Override
        byte[] parseField(String field) {
            return parse(field);
        }

        @Override
        String formatField(byte[] bytes) {
            return HexFormat.of().formatHex(bytes);
        }
    };

    static TextForm of(boolean hex) {
        return hex ? HEX : TEXT;
    }

    /** An argument of the command line. */
    abstract byte[] parse(String text);

    /** A field of a file or of printed lines. */
    abstract byte[] parseField(String field);

    abstract String formatField(byte[] bytes);
}
