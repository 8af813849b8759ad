package io.rutile.gateway.console;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.rutile.gateway.kv.Failure;
import io.rutile.gateway.kv.FailureException;
import io.rutile.gateway.kv.GatewayLimits;
import io.rutile.tls.TransportSecurity;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.NullNode;

/**
 * Questions to PD's HTTP API at whichever member answers: one that cannot be reached, or knows no leader, is passed over, and the one
 * that answered last is asked first. At most {@value #UNDER_WAY_MAX} questions are under way (R10), each with {@link Options#timeout()} a
 * member and {@value #ANSWER_BYTES_MAX} bytes for its answer. Safe from any thread, never blocks.
 */
public final class PdHttp implements AutoCloseable {

    static final int UNDER_WAY_MAX = 32;
    static final int ANSWER_BYTES_MAX = 2 << 20;

    private static final String PREFIX = "/pd/api/v1";
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final Options options;
    private final ExecutorService threads;
    private final HttpClient client;
    private final Counter refused;
    private final MeterRegistry metrics;
    private final AtomicInteger underWay = new AtomicInteger();
    private final AtomicInteger preferred = new AtomicInteger();

    /**
     * Whom to ask.
     *
     * @param endpoints {@code host:port} of members, at least one
     * @param timeout of a question to one member
     * @param security of connections to them
     */
    public record Options(List<String> endpoints, Duration timeout, TransportSecurity security) {

        public Options {
            endpoints = List.copyOf(endpoints);
        }

        /** Over plaintext. */
        Options(List<String> endpoints, Duration timeout) {
            this(endpoints, timeout, TransportSecurity.PLAINTEXT);
        }
    }

    /** What PD refuses to do or does not have, with its status and words. An expected outcome: it carries no stack trace. */
    public static final class RefusedException extends RuntimeException {

        private final int status;

        RefusedException(int status, String words) {
            super(words, null, false, false);
            this.status = status;
        }

        /** Of HTTP, 400 or more. */
        public int status() {
            return status;
        }
    }

    public PdHttp(Options options, MeterRegistry metrics) {
        this.options = options;
        this.metrics = metrics;
        this.refused = GatewayLimits.refused("console", metrics);
        this.threads = Executors.newFixedThreadPool(2, daemons());
        this.client = options.security()
                .http()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(options.timeout())
                .followRedirects(HttpClient.Redirect.NEVER)
                .executor(threads)
                .build();
    }

    private static ThreadFactory daemons() {
        return task -> {
            Thread thread = new Thread(task, "gateway-console");
            thread.setDaemon(true);
            return thread;
        };
    }

    /**
     * Fails with {@link FailureException} if no member answers or too many questions are under way, with {@link RefusedException} if PD
     * says no.
     *
     * @param path below {@code /pd/api/v1}, encoded, with its query
     */
    CompletableFuture<JsonNode> get(String path) {
        return call("GET", path);
    }

    /** A change without a body, sent once: what has become of it when no answer comes is not known. @see #get */
    CompletableFuture<JsonNode> change(String method, String path) {
        return call(method, path);
    }

    private CompletableFuture<JsonNode> call(String method, String path) {
        if (underWay.incrementAndGet() > UNDER_WAY_MAX) {
            underWay.decrementAndGet();
            refused.increment();
            return CompletableFuture.failedFuture(new FailureException(Failure.Kind.BUSY.because(
                    "the gateway is busy: " + UNDER_WAY_MAX + " questions to the Placement Driver are under way",
                    "ServerIsBusy")));
        }
        Timer.Sample begun = Timer.start(metrics);
        return ask(method, path, preferred.get(), 0, "").whenComplete((answer, failure) -> {
            underWay.decrementAndGet();
            begun.stop(Timer.builder("kv.gateway.console.pd")
                    .description("Questions of the console to PD, all members that were asked included")
                    .tag("outcome", outcome(failure))
                    .register(metrics));
        });
    }

    private static String outcome(@Nullable Throwable failure) {
        return failure == null ? "answered" : causeOf(failure) instanceof RefusedException ? "refused" : "failed";
    }

    private CompletableFuture<JsonNode> ask(String method, String path, int member, int tried, String trouble) {
        List<String> endpoints = options.endpoints();
        if (tried == endpoints.size()) {
            return CompletableFuture.failedFuture(new FailureException(
                    Failure.Kind.UNAVAILABLE.because("the Placement Driver does not answer: " + trouble)));
        }
        int index = Math.floorMod(member, endpoints.size());
        String endpoint = endpoints.get(index);
        HttpRequest request;
        try {
            request = HttpRequest.newBuilder(
                            URI.create(options.security().outgoingScheme() + "://" + endpoint + PREFIX + path))
                    .timeout(options.timeout())
                    .method(method, HttpRequest.BodyPublishers.noBody())
                    .build();
        } catch (IllegalArgumentException e) {
            return ask(method, path, member + 1, tried + 1, endpoint + " is no address");
        }
        return client.sendAsync(request, answer -> new BoundedBody(ANSWER_BYTES_MAX))
                .handleAsync(
                        (answer, failure) -> {
                            if (failure != null) {
                                // What may have been done is not asked of the next one.
                                return method.equals("GET")
                                        ? ask(method, path, member + 1, tried + 1, words(endpoint, failure))
                                        : CompletableFuture.<JsonNode>failedFuture(new FailureException(
                                                Failure.Kind.UNDETERMINED.because(words(endpoint, failure)
                                                        + "; whether anything was changed is not known")));
                            }
                            JsonNode json = parsed(answer);
                            if (answer.statusCode() == 200) {
                                preferred.set(index);
                                return CompletableFuture.completedFuture(json);
                            }
                            String said = json.isString() ? json.asString() : "status " + answer.statusCode();
                            return answer.statusCode() == 503
                                    ? ask(method, path, member + 1, tried + 1, endpoint + " says: " + said)
                                    : CompletableFuture.<JsonNode>failedFuture(
                                            new RefusedException(answer.statusCode(), said));
                        },
                        threads)
                .thenCompose(next -> next);
    }

    private static JsonNode parsed(HttpResponse<byte[]> answer) {
        try {
            return answer.body().length == 0 ? NullNode.getInstance() : JSON.readTree(answer.body());
        } catch (JacksonException e) {
            return NullNode.getInstance();
        }
    }

    private static String words(String endpoint, Throwable failure) {
        Throwable cause = causeOf(failure);
        return cause instanceof java.net.http.HttpTimeoutException
                ? endpoint + " does not answer in time"
                : cause instanceof BoundedBody.TooLargeException
                        ? endpoint + " answers with more than " + ANSWER_BYTES_MAX + " bytes"
                        : endpoint + " cannot be reached";
    }

    private static Throwable causeOf(Throwable failure) {
        return failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
    }

    /** Waits for nothing: questions under way end unanswered. */
    @Override
    public void close() {
        threads.shutdownNow();
    }
}
