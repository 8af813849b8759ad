package io.rutile.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;

/**
 * One page of a headless Chromium, driven over its DevTools protocol by the JDK's own WebSocket: half a dozen calls, for which a driver of
 * 210 MB would be much. What goes wrong in the page is collected: {@link #troubles}.
 */
final class Browser implements AutoCloseable {

    private static final Pattern LISTENING = Pattern.compile("DevTools listening on ws://([^/]+)/.*");
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    /** Keys by name: code and virtual key code. Any other one is a character. */
    private static final Map<String, Integer> NAMED = Map.of(
            "Enter",
            13,
            "Escape",
            27,
            "Tab",
            9,
            "ArrowUp",
            38,
            "ArrowDown",
            40,
            "ArrowLeft",
            37,
            "ArrowRight",
            39,
            "Home",
            36);

    private final Process process;
    private final Path profile;
    private final WebSocket socket;
    private final AtomicInteger lastId = new AtomicInteger();
    private final Map<Integer, CompletableFuture<JsonObject>> answers = new ConcurrentHashMap<>();
    private final List<String> troubles = new CopyOnWriteArrayList<>();

    private Browser(Process process, Path profile, URI page) {
        this.process = process;
        this.profile = profile;
        this.socket = HttpClient.newHttpClient()
                .newWebSocketBuilder()
                .connectTimeout(PATIENCE)
                .buildAsync(page, new Listener())
                .join();
        for (String domain : List.of("Page", "Runtime", "Log")) {
            call(domain + ".enable", new JsonObject());
        }
    }

    /** A browser; skips the test, and says so, where there is none. */
    static Browser require() throws IOException {
        Optional<Path> program = program();
        Assumptions.assumeTrue(
                program.isPresent(), "not tested: there is no Chromium here (Debian: apt-get install chromium)");
        return open(program.get(), List.of());
    }

    /**
     * A browser that takes a certificate of this key for a good one, whoever has signed it; empty where there is none.
     *
     * @param pin SHA-256 of the public key, in Base64
     */
    static Optional<Browser> trusting(String pin) throws IOException {
        Optional<Path> program = program();
        return program.isEmpty()
                ? Optional.empty()
                : Optional.of(open(program.get(), List.of("--ignore-certificate-errors-spki-list=" + pin)));
    }

    private static Optional<Path> program() {
        return Stream.of(System.getenv().getOrDefault("PATH", "").split(Pattern.quote(File.pathSeparator)))
                .flatMap(directory -> Stream.of("chromium", "chromium-browser", "google-chrome")
                        .map(name -> Path.of(directory, name)))
                .filter(Files::isExecutable)
                .findFirst();
    }

    private static Browser open(Path program, List<String> more) throws IOException {
        Path profile = Files.createTempDirectory("rutile-browser-");
        List<String> command = new ArrayList<>(List.of(
                program.toString(),
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-quic",
                "--disable-extensions",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--no-first-run",
                "--no-default-browser-check",
                "--hide-scrollbars",
                "--remote-debugging-address=127.0.0.1",
                "--remote-debugging-port=0",
                "--user-data-dir=" + profile));
        command.addAll(more);
        command.add("about:blank");
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        try {
            return new Browser(process, profile, page(process));
        } catch (IOException | RuntimeException e) {
            end(process, profile);
            throw e;
        }
    }

    private static URI page(Process process) throws IOException {
        BufferedReader said = process.inputReader(StandardCharsets.UTF_8);
        StringBuilder all = new StringBuilder();
        for (String line = said.readLine(); line != null; line = said.readLine()) {
            Matcher listening = LISTENING.matcher(line);
            if (listening.matches()) {
                // Whatever else it says is read away, so that it never waits for a reader.
                Thread reader = new Thread(() -> said.lines().forEach(more -> {}), "browser-output");
                reader.setDaemon(true);
                reader.start();
                return page(listening.group(1));
            }
            all.append(line).append('\n');
        }
        throw new IOException("the browser has ended: " + all);
    }

    private static URI page(String authority) throws IOException {
        try {
            String targets = HttpClient.newHttpClient()
                    .send(
                            HttpRequest.newBuilder(URI.create("http://" + authority + "/json/list"))
                                    .timeout(PATIENCE)
                                    .build(),
                            BodyHandlers.ofString())
                    .body();
            for (JsonElement target : JsonParser.parseString(targets).getAsJsonArray()) {
                if (target.getAsJsonObject().get("type").getAsString().equals("page")) {
                    return URI.create(
                            target.getAsJsonObject().get("webSocketDebuggerUrl").getAsString());
                }
            }
            throw new IOException("the browser has no page: " + targets);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Errors of scripts, and what the policy of a page forbade. */
    List<String> troubles() {
        return List.copyOf(troubles);
    }

    void open(String url) {
        JsonObject parameters = new JsonObject();
        parameters.addProperty("url", url);
        call("Page.navigate", parameters);
    }

    /** The value of an expression, awaited if it is a promise. */
    JsonElement value(String expression) {
        JsonObject parameters = new JsonObject();
        parameters.addProperty("expression", expression);
        parameters.addProperty("awaitPromise", true);
        parameters.addProperty("returnByValue", true);
        JsonObject answer = call("Runtime.evaluate", parameters);
        if (answer.has("exceptionDetails")) {
            throw new AssertionError(expression + ": " + answer.get("exceptionDetails"));
        }
        JsonObject result = answer.getAsJsonObject("result");
        return result.has("value") ? result.get("value") : new JsonObject();
    }

    String text(String expression) {
        return value("String(" + expression + ")").getAsString();
    }

    boolean is(String expression) {
        return value("Boolean(" + expression + ")").getAsBoolean();
    }

    /** Presses keys one after the other, by name or as characters. */
    void press(String... keys) {
        for (String key : keys) {
            JsonObject parameters = new JsonObject();
            parameters.addProperty("key", key);
            Integer code = NAMED.get(key);
            if (code != null) {
                parameters.addProperty("code", key);
                parameters.addProperty("windowsVirtualKeyCode", code);
            }
            String typed = code == null ? key : key.equals("Enter") ? "\r" : "";
            parameters.addProperty("type", typed.isEmpty() ? "rawKeyDown" : "keyDown");
            if (!typed.isEmpty()) {
                parameters.addProperty("text", typed);
            }
            call("Input.dispatchKeyEvent", parameters);
            parameters.addProperty("type", "keyUp");
            parameters.remove("text");
            call("Input.dispatchKeyEvent", parameters);
        }
    }

    /** Text as if pasted where the focus is. */
    void type(String text) {
        JsonObject parameters = new JsonObject();
        parameters.addProperty("text", text);
        call("Input.insertText", parameters);
    }

    void resize(int width, int height) {
        JsonObject parameters = new JsonObject();
        parameters.addProperty("width", width);
        parameters.addProperty("height", height);
        parameters.addProperty("deviceScaleFactor", 1);
        parameters.addProperty("mobile", false);
        call("Emulation.setDeviceMetricsOverride", parameters);
    }

    /** What the system prefers. */
    void prefer(String colourScheme) {
        JsonObject feature = new JsonObject();
        feature.addProperty("name", "prefers-color-scheme");
        feature.addProperty("value", colourScheme);
        JsonArray features = new JsonArray();
        features.add(feature);
        JsonObject parameters = new JsonObject();
        parameters.add("features", features);
        call("Emulation.setEmulatedMedia", parameters);
    }

    void screenshot(Path file) throws IOException {
        JsonObject parameters = new JsonObject();
        parameters.addProperty("format", "png");
        byte[] png = Base64.getDecoder()
                .decode(call("Page.captureScreenshot", parameters).get("data").getAsString());
        Files.createDirectories(file.getParent());
        Files.write(file, png);
    }

    private JsonObject call(String method, JsonObject parameters) {
        int id = lastId.incrementAndGet();
        CompletableFuture<JsonObject> answer = new CompletableFuture<>();
        answers.put(id, answer);
        JsonObject message = new JsonObject();
        message.addProperty("id", id);
        message.addProperty("method", method);
        message.add("params", parameters);
        socket.sendText(message.toString(), true).join();
        JsonObject said =
                answer.orTimeout(PATIENCE.toSeconds(), TimeUnit.SECONDS).join();
        if (said.has("error")) {
            throw new AssertionError(method + ": " + said.get("error"));
        }
        return said.getAsJsonObject("result");
    }

    private void heard(JsonObject message) {
        if (message.has("id")) {
            CompletableFuture<JsonObject> answer =
                    answers.remove(message.get("id").getAsInt());
            if (answer != null) {
                answer.complete(message);
            }
            return;
        }
        JsonObject parameters = message.getAsJsonObject("params");
        switch (message.get("method").getAsString()) {
            case "Runtime.exceptionThrown" ->
                troubles.add(parameters.get("exceptionDetails").toString());
            case "Log.entryAdded" -> {
                JsonObject entry = parameters.getAsJsonObject("entry");
                // Of the network are answers such as 409, which the pages ask for and show.
                if (entry.get("level").getAsString().equals("error")
                        && !entry.get("source").getAsString().equals("network")) {
                    troubles.add(entry.toString());
                }
            }
            default -> {
                // Nobody asked.
            }
        }
    }

    private final class Listener implements WebSocket.Listener {

        private final StringBuilder parts = new StringBuilder();

        @Override
        public @Nullable CompletionStage<?> onText(WebSocket from, CharSequence part, boolean last) {
            parts.append(part);
            if (last) {
                heard(JsonParser.parseString(parts.toString()).getAsJsonObject());
                parts.setLength(0);
            }
            from.request(1);
            return null;
        }
    }

    @Override
    public void close() {
        socket.abort();
        end(process, profile);
    }

    private static void end(Process process, Path profile) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly().onExit().orTimeout(10, TimeUnit.SECONDS).join();
        try (Stream<Path> files = Files.walk(profile)) {
            files.sorted(Comparator.reverseOrder()).map(Path::toFile).forEach(File::delete);
        } catch (IOException e) {
            // A helper of the browser was still writing: what is left is in the directory for temporary files.
        }
    }
}
