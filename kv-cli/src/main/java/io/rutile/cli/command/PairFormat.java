package io.rutile.cli.command;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import io.rutile.cli.cluster.ClusterException;
import io.rutile.protocol.ByteKey;
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
    /** <code>{"key":"…","value":"…"}</code>; other members are ignored. */
    NDJSON {
        @Override
        Map.Entry<ByteKey, byte[]> parse(String line, TextForm form) {
            try {
                JsonObject pair = GSON.fromJson(line, JsonObject.class);
                if (pair == null || !pair.has("key") || !pair.has("value")) {
                    throw new ClusterException("it has no \"key\" and \"value\"");
                }
                return Map.entry(
                        ByteKey.wrap(form.parse(pair.get("key").getAsString())),
                        form.parse(pair.get("value").getAsString()));
            } catch (JsonParseException | UnsupportedOperationException | IllegalStateException e) {
                throw new ClusterException("it is no JSON object with two strings, \"key\" and \"value\"", e);
            }
        }

        @Override
        String format(byte[] key, byte[] value, TextForm form) {
            JsonObject pair = new JsonObject();
            pair.addProperty("key", text(key, form));
            pair.addProperty("value", text(value, form));
            return GSON.toJson(pair);
        }

        @Override
        String formatKey(byte[] key, TextForm form) {
            JsonObject pair = new JsonObject();
            pair.addProperty("key", text(key, form));
            return GSON.toJson(pair);
        }

        /** JSON strings escape for themselves, but they can't hold bytes that are no text. */
        private String text(byte[] bytes, TextForm form) {
            if (form == TextForm.HEX) {
                return form.formatField(bytes);
            }
            String text = new String(bytes, java.nio.charset.StandardCharsets.UTF_8);
            if (!java.util.Arrays.equals(bytes, form.parse(text))) {
                throw new ClusterException("a key or value is not UTF-8 text; NDJSON can only hold it with --hex");
            }
            return text;
        }
    };

    private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();

    abstract Map.Entry<ByteKey, byte[]> parse(String line, TextForm form);

    abstract String format(byte[] key, byte[] value, TextForm form);

    abstract String formatKey(byte[] key, TextForm form);
}
