package io.rutile.cli.bench.subject;

import com.google.gson.Gson;
import io.rutile.cli.bench.load.Action;
import io.rutile.cli.bench.load.Dataset;
import io.rutile.cli.bench.load.KeySpace;
import io.rutile.cli.bench.load.Load;
import io.rutile.cli.bench.load.Outcome;
import io.rutile.cli.bench.load.Subject;
import io.rutile.cli.cluster.Role;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A floor: kv-raft alone. Three stores in processes of their own, one group, fsync, no state; the load is made inside the leader's
 * process, so no request crosses a network but what Raft itself sends. What a put costs more is the door, the checks, the latches and the
 * engine.
 *
 * <p>The processor time of the leader's process contains the load's.
 */
public final class RaftSubject implements Subject {

    public static final Set<Action> ACTIONS = Set.of(Action.UPDATE);

    private static final int STORES = 3;
    private static final Duration START_MAX = Duration.ofSeconds(60);
    private static final Gson GSON = new Gson();

    private final List<FloorProcess> stores = new ArrayList<>();

    /**
     * Starts the processes, and the first of them leads.
     *
     * @param dir for their logs; on the disk that it is the floor of
     */
    public RaftSubject(Path dir) throws InterruptedException {
        try {
            for (int store = 1; store <= STORES; store++) {
                stores.add(new FloorProcess(
                        "raft floor " + store,
                        Role.NODE,
                        RaftFloorNode.class,
                        dir,
                        Integer.toString(store),
                        dir.resolve("raft-floor-" + store).toString()));
            }
            List<String> ports = new ArrayList<>();
            for (FloorProcess store : stores) {
                ports.add(store.hear("listening", START_MAX));
            }
            for (FloorProcess store : stores) {
                store.say("peers " + String.join(" ", ports));
                store.hear("started", START_MAX);
            }
            leader().say("lead");
            leader().hear("leading", START_MAX);
        } catch (RuntimeException | InterruptedException e) {
            close();
            throw e;
        }
    }

    private FloorProcess leader() {
        return stores.get(0);
    }

    @Override
    public String name() {
        return "bare kv-raft";
    }

    @Override
    public Set<Action> actions() {
        return ACTIONS;
    }

    @Override
    public void load(KeySpace keys, Set<Action> actions) {
        // It keeps nothing.
    }

    @Override
    public Outcome drive(Load load, Dataset data, Duration duration, long salt) throws InterruptedException {
        leader().say("run " + GSON.toJson(new RaftFloorNode.Order(load, data.keys(), duration.toMillis(), salt)));
        String outcome = leader().hear("outcome", duration.plus(START_MAX));
        return GSON.fromJson(outcome, OutcomeText.class).toOutcome();
    }

    @Override
    public Map<String, Duration> cpu() {
        Map<Long, String> kinds = new LinkedHashMap<>();
        for (FloorProcess store : stores) {
            kinds.put(store.pid(), store == leader() ? "leader with load" : "followers");
        }
        return ServerCpu.ofProcesses(kinds).used();
    }

    @Override
    public void close() {
        stores.forEach(FloorProcess::close);
    }
}
