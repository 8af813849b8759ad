package io.rutile.cli.placement;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

/** Fields that an answer may leave out. */
final class Fields {

    private Fields() {}

    static long number(JsonObject object, String name) {
        JsonElement value = object.get(name);
        return value == null || value.isJsonNull() ? 0 : value.getAsLong();
    }

    /** A dash where there is nothing. */
    static String text(JsonObject object, String name) {
        JsonElement value = object.get(name);
        return value == null || value.isJsonNull() ? "-" : value.getAsString();
    }
}
