package io.rutile.cli.verify;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.rutile.cli.cluster.ClusterException;
import io.rutile.tls.TlsFailures;
import io.rutile.tls.TransportSecurity;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Does what an application would do, through a gateway's REST API: writes pairs below a prefix that nobody else has, reads each of them
 * back, scans them, deletes them, and sees that they are gone. Whatever is otherwise than it was written is a finding.
 *
 * <p>Every call may be repeated without harm, so one that the gateway can't carry out yet is, until the time is over. Used by one thread.
 */
public final class GatewayCheck {

    /** More pairs prove no more; it is no benchmark. */
    public static final int PAIRS_MAX = 10_000;

    private static final int VALUE_BYTES = 512;
    private static final int FINDINGS_MAX = 10;
    private static final Duration CONNECT_MAX = Duration.ofSeconds(5);
    private static final Duration PAUSE = Duration.ofMillis(200);

    private final HttpClient http;
    private final String base;
    private final long deadlineNanos;
    private final Random random;
    private final String token;
    private final List<String> findings = new ArrayList<>();

    /**
     * @param gatewayUrl such as {@code http://127.0.0.1:8080}
     * @param within how long all of it may take
     * @param seed of prefix and values
     * @param token for a gateway that asks who calls; null or empty if there is none
     * @param security of {@code https} URLs
     */
    public GatewayCheck(
            String gatewayUrl, Duration within, long seed, @Nullable String token, TransportSecurity security) {
        this.http = security.http()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(CONNECT_MAX)
                .build();
        this.base = gatewayUrl.replaceAll("/+$", "") + "/v1/raw";
        this.deadlineNanos = System.nanoTime() + within.toNanos();
        this.random = new Random(seed);
        this.token = token == null ? "" : token.strip();
    }

    /**
     * Carries it out. What it has written is gone afterwards, unless the gateway is.
     *
     * @param pairs 1 to {@link #PAIRS_MAX}
     * @return what was not as it should be, ten sentences at most; empty if all is well
     * @throws ClusterException in words, if the gateway refuses something or does not answer in time
     */
    public List<String> run(int pairs) {
        if (pairs < 1 || pairs > PAIRS_MAX) {
            throw new ClusterException("1 to " + PAIRS_MAX + " pairs can be verified, not " + pairs);
        }
        findings.clear();
        String prefix = "rutile-verify/" + hex(8) + "/";
        Map<String, String> written = new TreeMap<>();
        for (int i = 0; i < pairs; i++) {
            written.put(prefix + String.format("%05d", i), hex(VALUE_BYTES / 2));
        }
        written.forEach((key, value) -> call("PUT", "/" + key, BodyPublishers.ofString(value), 204));
        written.forEach(this::readBack);
        compare(written, scan(prefix, pairs));
        written.keySet().forEach(key -> call("DELETE", "/" + key, BodyPublishers.noBody(), 204));
        compare(Map.of(), scan(prefix, pairs));
        return List.copyOf(findings);
    }

    private void readBack(String key, String value) {
        HttpResponse<String> answer = call("GET", "/" + key, BodyPublishers.noBody(), 200, 404);
        if (answer.statusCode() == 404) {
            find(key + " was written and is not there");
        } else if (!answer.body().equals(value)) {
            find(key + " has another value than was written");
        }
    }

    private Map<String, String> scan(String prefix, int pairs) {
        // One more than there should be, so that one too many is seen.
        String range = "?prefix=" + prefix + "&limit=" + (pairs + 1);
        HttpResponse<String> answer = call("GET", range, BodyPublishers.noBody(), 200);
        Map<String, String> found = new TreeMap<>();
        String last = "";
        for (String line : answer.body().lines().toList()) {
            JsonObject pair = object(line);
            if (!pair.has("key") || !pair.has("value")) {
                throw new ClusterException("the gateway's scan ended early: " + line);
            }
            String key = pair.get("key").getAsString();
            if (key.compareTo(last) <= 0) {
                find("the scan has " + key + " behind " + last);
            }
            last = key;
            found.put(key, pair.get("value").getAsString());
        }
        return found;
    }

    private void compare(Map<String, String> expected, Map<String, String> scanned) {
        expected.forEach((key, value) -> {
            String found = scanned.get(key);
            if (found == null) {
                find("the scan misses " + key);
            } else if (!found.equals(value)) {
                find("the scan has another value of " + key + " than was written");
            }
        });
        scanned.keySet().stream()
                .filter(key -> !expected.containsKey(key))
                .forEach(key -> find("the scan has " + key + ", which should not be there"));
    }

    private void find(String what) {
        if (findings.size() < FINDINGS_MAX) {
            findings.add(what);
        }
    }

    private HttpResponse<String> call(String method, String path, BodyPublisher body, int... expected) {
        String trouble = "it does not answer";
        while (true) {
            Duration left = Duration.ofNanos(deadlineNanos - System.nanoTime());
            if (left.isNegative() || left.isZero()) {
                throw new ClusterException("the gateway at " + base + " could not do it in time: " + trouble);
            }
            try {
                HttpResponse<String> answer = http.send(request(method, path, body, left), BodyHandlers.ofString());
                for (int status : expected) {
                    if (answer.statusCode() == status) {
                        return answer;
                    }
                }
                trouble = method + " was answered " + answer.statusCode() + " "
                        + answer.body().strip();
                if (answer.statusCode() / 100 != 5) {
                    throw new ClusterException("the gateway at " + base + " refuses: " + trouble);
                }
            } catch (HttpTimeoutException e) {
                // What was the matter before the time was over says more.
            } catch (IOException e) {
                String reason = TlsFailures.reason(e);
                trouble = "it " + (reason == null ? "cannot be reached: " + e : reason);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new ClusterException("interrupted");
            }
            pause();
        }
    }

    private HttpRequest request(String method, String path, BodyPublisher body, Duration timeout) {
        try {
            HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(base + path))
                    .timeout(timeout)
                    .method(method, body);
            return (token.isEmpty() ? request : request.header("Authorization", "Bearer " + token)).build();
        } catch (IllegalArgumentException e) {
            throw new ClusterException(base + " is no address of a gateway such as http://127.0.0.1:8080", e);
        }
    }

    private static JsonObject object(String line) {
        try {
            return JsonParser.parseString(line).getAsJsonObject();
        } catch (JsonParseException | IllegalStateException e) {
            throw new ClusterException("what answers is no gateway: a scan has the line " + line, e);
        }
    }

    private static void pause() {
        try {
            Thread.sleep(PAUSE.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ClusterException("interrupted");
        }
    }

    private String hex(int bytes) {
        byte[] drawn = new byte[bytes];
        random.nextBytes(drawn);
        return HexFormat.of().formatHex(drawn);
    }
}
