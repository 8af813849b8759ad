package io.rutile.cli.command;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.placement.PdHttp;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code rutile members}: who the Placement Driver consists of, and who answers; or puts one out for good. */
@Command(
        name = "members",
        mixinStandardHelpOptions = true,
        description = "List the members of the Placement Driver, or remove one.")
public final class MembersCommand implements Callable<Integer> {

    @Mixin
    private PlacementOutput output = new PlacementOutput();

    @Option(
            names = "--remove",
            paramLabel = "ID",
            description = "Take this member out for good; when the command is through, its process can be stopped.")
    private @Nullable Long remove;

    @Override
    public Integer call() {
        PdHttp pd = output.pd();
        if (remove != null) {
            pd.delete("/members/id/" + remove);
            Terminal.result("member " + remove + " is out; its process can be stopped");
            return 0;
        }
        JsonObject answer = pd.object("/members");
        JsonElement health = pd.get("/health");
        if (!health.isJsonArray()) {
            throw new ClusterException("the Placement Driver answered something unexpected to /health");
        }
        output.print(answer, () -> table(answer, answering(health.getAsJsonArray())));
        return 0;
    }

    private static Set<Long> answering(JsonArray health) {
        Set<Long> answering = new HashSet<>();
        for (JsonElement each : health) {
            JsonObject member = each.getAsJsonObject();
            if (member.get("health").getAsBoolean()) {
                answering.add(member.get("member_id").getAsLong());
            }
        }
        return answering;
    }

    private static TextTable table(JsonObject answer, Set<Long> answering) {
        TextTable table = new TextTable("MEMBER>", "NAME", "ROLE", "ANSWERS", "CLIENTS", "RAFT");
        long leader = answer.has("leader")
                ? answer.getAsJsonObject("leader").get("member_id").getAsLong()
                : 0;
        for (JsonElement each : answer.getAsJsonArray("members")) {
            JsonObject member = each.getAsJsonObject();
            long id = member.get("member_id").getAsLong();
            String follows = member.has("is_learner") ? "learner" : "follower";
            table.row(
                    id,
                    member.get("name").getAsString(),
                    id == leader ? "leader" : follows,
                    answering.contains(id) ? "yes" : "no",
                    joined(member, "client_urls"),
                    joined(member, "peer_urls"));
        }
        return table;
    }

    private static String joined(JsonObject member, String field) {
        List<String> urls = new ArrayList<>();
        member.getAsJsonArray(field).forEach(url -> urls.add(url.getAsString()));
        return urls.isEmpty() ? "-" : String.join(",", urls);
    }
}
