package io.rutile.cli.command;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import io.rutile.cli.cluster.ClusterException;
import io.rutile.protocol.ByteKey;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;

/** A pair as a line of a file. */
enum PairFormat {
    /** {@code key TAB value}. */
    TSV {
        @Override
        Map.Entry<ByteKey, byte[]> parse(String line, TextForm form) {
            int tab = line.indexOf('\t');
            if (tab < 0) {
                throw new ClusterException("there is no tab between key and value");
            }
            return Map.entry(
                    ByteKey.wrap(form.parseField(line.substring(0, tab))), form.parseField(line.substring(tab + 1)));
        }

        @Override
        String format(byte[] key, byte[] value, TextForm form) {
            return form.formatField(key) + "\t" + form.formatField(value);
        }

        @Override
        String formatKey(byte[] key, TextForm form) {
            return form.formatField(key);
        }
    },
    /**
     * <code>{"key":"…","value":"…"}</code>, as the gateway's scans answer: bytes that are no text are {@code keyBase64url} and {@code
     * valueBase64url}. Other members are ignored.
     */
    NDJSON {
        @Override
        Map.Entry<ByteKey, byte[]> parse(String line, TextForm form) {
            try {
                JsonObject pair = GSON.fromJson(line, JsonObject.class);
                if (pair == null) {
                    throw new ClusterException("it is empty");
                }
                return Map.entry(ByteKey.wrap(bytes(pair, "key", form)), bytes(pair, "value", form));
            } catch (JsonParseException | UnsupportedOperationException | IllegalStateException e) {
                throw new ClusterException("it is no JSON object with two strings, \"key\" and \"value\"", e);
            }
        }

        private byte[] bytes(JsonObject pair, String name, TextForm form) {
            if (pair.has(name)) {
                return form.parse(pair.get(name).getAsString());
            }
            if (!pair.has(name + BASE64URL)) {
                throw new ClusterException("it has no \"" + name + "\"");
            }
            try {
                return Base64.getUrlDecoder().decode(pair.get(name + BASE64URL).getAsString());
            } catch (IllegalArgumentException e) {
                throw new ClusterException("its " + name + BASE64URL + " is not base64url", e);
            }
        }

        @Override
        String format(byte[] key, byte[] value, TextForm form) {
            JsonObject pair = new JsonObject();
            add(pair, "key", key, form);
            add(pair, "value", value, form);
            return GSON.toJson(pair);
        }

        @Override
        String formatKey(byte[] key, TextForm form) {
            JsonObject pair = new JsonObject();
            add(pair, "key", key, form);
            return GSON.toJson(pair);
        }

        private void add(JsonObject pair, String name, byte[] bytes, TextForm form) {
            String text = form == TextForm.HEX ? form.formatField(bytes) : new String(bytes, StandardCharsets.UTF_8);
            if (Arrays.equals(bytes, form.parse(text))) {
                pair.addProperty(name, text);
            } else {
                pair.addProperty(
                        name + BASE64URL,
                        Base64.getUrlEncoder().withoutPadding().encodeToString(bytes));
            }
        }
    };

    private static final String BASE64URL = "Base64url";
    private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();

    abstract Map.Entry<ByteKey, byte[]> parse(String line, TextForm form);

    abstract String format(byte[] key, byte[] value, TextForm form);

    abstract String formatKey(byte[] key, TextForm form);
}
