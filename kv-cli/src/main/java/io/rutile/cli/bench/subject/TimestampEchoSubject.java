package io.rutile.cli.bench.subject;

import io.rutile.cli.bench.load.Action;
import io.rutile.cli.bench.load.KeySpace;
import io.rutile.cli.bench.load.Subject;
import io.rutile.cli.cluster.Role;
import io.rutile.client.pd.PdClient;
import io.rutile.client.pd.PdClientOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A floor: timestamps from a counter behind the same stream and the same client, which sends those of all callers that wait together. What
 * PD costs more is what makes a counter an oracle: the lease, the window, the clock.
 */
public final class TimestampEchoSubject implements Subject {

    public static final Set<Action> ACTIONS = Set.of(Action.TIMESTAMP);

    private static final Duration CONNECT_MAX = Duration.ofSeconds(30);

    private final FloorProcess process;
    private final PdClient pd;

    /** @param dir where the server's log goes */
    public TimestampEchoSubject(Path dir) throws InterruptedException {
        process = new FloorProcess("timestamp echo", Role.PD, EchoServer.class, dir, "1");
        String port = EchoSubject.listening(process);
        try {
            pd = PdClient.connect(new PdClientOptions(List.of("127.0.0.1:" + port), Calls.TIMEOUT, CONNECT_MAX));
        } catch (RuntimeException e) {
            process.close();
            throw e;
        }
    }

    @Override
    public String name() {
        return "timestamp echo";
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
    public void timestamp() throws Exception {
        Calls.await(pd.timestamp());
    }

    @Override
    public Map<String, Duration> cpu() {
        return ServerCpu.ofProcesses(Map.of(process.pid(), "echo")).used();
    }

    @Override
    public void close() {
        pd.close();
        process.close();
    }
}
