package io.rutile.cli.command;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import picocli.CommandLine;

/** Answers what it was told to, in order; the last answer of a call stays. */
final class FakePd implements AutoCloseable {

    private final HttpServer server;
    private final Map<String, Deque<Answer>> answers = new ConcurrentHashMap<>();
    final List<String> calls = Collections.synchronizedList(new ArrayList<>());

    private record Answer(int status, String body) {}

    /** What a command printed, and its exit code. */
    record Run(int code, String out, String err) {}

    FakePd() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::handle);
        server.start();
    }

    FakePd answer(String call, String body) {
        return answer(call, 200, body);
    }

    FakePd answer(String call, int status, String body) {
        answers.computeIfAbsent(call, first -> new ArrayDeque<>()).add(new Answer(status, body));
        return this;
    }

    String endpoint() {
        return "127.0.0.1:" + server.getAddress().getPort();
    }

    private void handle(HttpExchange exchange) throws IOException {
        String call = exchange.getRequestMethod() + " "
                + exchange.getRequestURI().toString().replace("/pd/api/v1", "");
        calls.add(call);
        Deque<Answer> left = answers.getOrDefault(call, new ArrayDeque<>(List.of(new Answer(404, "\"no such call\""))));
        Answer answer = left.size() > 1 ? left.removeFirst() : left.getFirst();
        byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(answer.status(), body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    /** Runs a command against this one. */
    Run run(Object command, String... arguments) {
        return runAt(endpoint(), command, arguments);
    }

    static Run runAt(String endpoints, Object command, String... arguments) {
        List<String> all = new ArrayList<>(List.of("--target=" + endpoints, "--timeout=2"));
        all.addAll(List.of(arguments));
        PrintStream outBefore = System.out;
        PrintStream errBefore = System.err;
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        try {
            System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
            System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
            int code = new CommandLine(command)
                    .setCaseInsensitiveEnumValuesAllowed(true)
                    .setExecutionExceptionHandler((failure, line, parsed) -> {
                        System.err.println("rutile: " + failure.getMessage());
                        return 1;
                    })
                    .execute(all.toArray(String[]::new));
            return new Run(code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
        } finally {
            System.setOut(outBefore);
            System.setErr(errBefore);
        }
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
