package io.rutile.cli.command;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.placement.PdHttp;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code rutile operators}: what the Placement Driver is doing, and why. */
@Command(
        name = "operators",
        mixinStandardHelpOptions = true,
        description = "List what the Placement Driver is doing to regions, and why.")
public final class OperatorsCommand implements Callable<Integer> {

    @Mixin
    private PlacementOutput output = new PlacementOutput();

    @Option(names = "--cancel", paramLabel = "REGION", description = "Call off what is being done to this region.")
    private @Nullable Long cancel;

    @Override
    public Integer call() {
        PdHttp pd = output.pd();
        if (cancel != null) {
            pd.delete("/operators/" + cancel);
            Terminal.progress("the operator of region " + cancel + " is called off");
            return 0;
        }
        JsonElement answer = pd.get("/operators?object=true");
        if (!answer.isJsonArray()) {
            throw new ClusterException("the Placement Driver answered something unexpected to /operators");
        }
        output.print(answer, () -> table(answer.getAsJsonArray()));
        return 0;
    }

    private static TextTable table(JsonArray operators) {
        TextTable table = new TextTable("REGION>", "FOR>", "NOW", "STEPS>", "WHY");
        for (JsonElement each : operators) {
            JsonObject operator = each.getAsJsonObject();
            List<String> steps = new ArrayList<>();
            operator.getAsJsonArray("steps").forEach(step -> steps.add(step.getAsString()));
            String now = operator.get("current_step").getAsString();
            int at = steps.indexOf(now) + 1;
            table.row(
                    operator.get("region_id").getAsLong(),
                    operator.get("age_seconds").getAsLong() + "s",
                    now,
                    at + "/" + steps.size(),
                    operator.get("desc").getAsString());
        }
        return table;
    }
}
