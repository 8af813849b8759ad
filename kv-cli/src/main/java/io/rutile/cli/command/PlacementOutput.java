package io.rutile.cli.command;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import io.rutile.cli.placement.PdHttp;
import java.util.function.Supplier;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What commands about placement have in common: whom they ask, and {@code --json} instead of a table. */
public final class PlacementOutput {

    private static final Gson GSON =
            new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

    @Mixin
    private Target target = new Target();

    @Option(
            names = "--json",
            description = "As JSON, as the Placement Driver answers where only that is asked, instead of a table.")
    private boolean json;

    PdHttp pd() {
        return target.pd();
    }

    boolean isJson() {
        return json;
    }

    /** Prints the answer, or a table made of it. */
    void print(JsonElement answer, Supplier<Object> table) {
        Terminal.result(json ? GSON.toJson(answer) : table.get().toString());
    }
}
