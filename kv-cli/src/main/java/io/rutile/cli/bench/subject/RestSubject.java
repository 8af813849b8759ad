package io.rutile.cli.bench.subject;

import io.rutile.cli.bench.load.Action;
import io.rutile.cli.bench.load.BenchFailure;
import io.rutile.cli.bench.load.KeySpace;
import io.rutile.cli.bench.load.Subject;
import io.rutile.cli.bench.load.Workload;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The same cluster, through the gateway's REST API over HTTP/1.1, a connection for each client. Reads what {@link GrpcSubject} loaded.
 *
 * <p>With the JDK's older, blocking client: its other one takes twice as much of the processors (0.107 s for a thousand gets, this one
 * 0.052), on a machine that both share.
 */
public final class RestSubject implements Subject {

    public static final Set<Action> ACTIONS =
            Set.of(Action.READ, Action.UPDATE, Action.INSERT, Action.SCAN, Action.SCAN_FULL, Action.READ_MODIFY_WRITE);

    static {
        // Connections that are kept for the next call: it keeps five if nobody says so before it is used first.
        System.setProperty("http.maxConnections", "4096");
    }

    private final String base;
    private final ServerCpu cpu;

    public RestSubject(String gatewayUrl, ServerCpu cpu) {
        this.base = gatewayUrl.replaceAll("/+$", "") + "/v1/raw";
        this.cpu = cpu;
    }

    @Override
    public String name() {
        return "REST";
    }

    @Override
    public Set<Action> actions() {
        return ACTIONS;
    }

    @Override
    public Optional<Boolean> regions(Workload workload) {
        return Optional.of(false);
    }

    @Override
    public void load(KeySpace keys, Set<Action> actions) throws Exception {
        read(keys.key(0)); // loaded through gRPC before; this says so at once if not
    }

    @Override
    public void read(String key) throws Exception {
        send("GET", "/" + encode(key), null);
    }

    @Override
    public void update(String key, byte[] value) throws Exception {
        send("PUT", "/" + encode(key), value);
    }

    /** A line for each pair. */
    @Override
    public int scan(String start, int limit) throws Exception {
        byte[] body = send("GET", "?start=" + encode(start) + "&limit=" + limit, null);
        int lines = 0;
        for (byte each : body) {
            lines += each == '\n' ? 1 : 0;
        }
        return lines;
    }

    @Override
    public Map<String, Duration> cpu() {
        return cpu.used();
    }

    @Override
    public void close() {
        // Connections that nobody uses end by themselves, after five seconds.
    }

    private byte[] send(String method, String pathAndQuery, byte @Nullable [] body) throws IOException, BenchFailure {
        HttpURLConnection call =
                (HttpURLConnection) URI.create(base + pathAndQuery).toURL().openConnection();
        call.setConnectTimeout((int) Calls.TIMEOUT.toMillis());
        call.setReadTimeout((int) Calls.TIMEOUT.toMillis());
        call.setRequestMethod(method);
        if (body != null) {
            call.setRequestProperty("Content-Type", "application/octet-stream");
            call.setDoOutput(true);
            call.setFixedLengthStreamingMode(body.length);
            try (OutputStream out = call.getOutputStream()) {
                out.write(body);
            }
        }
        int status = call.getResponseCode();
        boolean isWell = status / 100 == 2;
        // Read to its end, or the connection is not used again.
        try (InputStream answer = isWell ? call.getInputStream() : call.getErrorStream()) {
            byte[] read = answer == null ? new byte[0] : answer.readAllBytes();
            if (!isWell) {
                throw new BenchFailure("HTTP " + status, "the gateway answered " + status);
            }
            return read;
        }
    }

    private static String encode(String key) {
        return URLEncoder.encode(key, StandardCharsets.UTF_8);
    }
}
