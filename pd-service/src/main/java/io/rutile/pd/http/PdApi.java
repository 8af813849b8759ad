package io.rutile.pd.http;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.netty.channel.ChannelHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.rutile.pd.leader.LeaderTerm;
import io.rutile.pd.leader.Leadership;
import io.rutile.pd.meta.MetaException;
import io.rutile.pd.meta.MetaStore;
import io.rutile.pd.meta.PdMember;
import io.rutile.tls.TransportSecurity;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The HTTP API of PD below {@link #PREFIX}: finds a call's route, has it served here or by the leader, and turns failures into
 * a status and a sentence. Routes and JSON as tools of the field expect them: docs/operations/pd-http-api.md.
 *
 * <p>Commands run on threads of their own, so that nobody who lists a hundred thousand Regions keeps timestamps waiting.
 */
public final class PdApi implements AutoCloseable {

    static final String PREFIX = "/pd/api/v1";

    /** A caller that would rather hear "not leader" than be relayed. */
    static final String ALLOW_FOLLOWER_HEADER = "pd-allow-follower-handle";

    /** Names the member that relayed a call: it is relayed once. */
    static final String RELAYED_HEADER = "pd-redirector";

    private static final Logger log = LoggerFactory.getLogger(PdApi.class);

    private final HttpOptions options;
    private final Leadership leadership;
    private final Router router;
    private final MemberCalls members;
    private final ThreadPoolExecutor threads;
    private final MeterRegistry metrics;
    private final ChannelHandler entrance;

    /** @param security of calls to other members */
    public PdApi(
            HttpOptions options,
            TransportSecurity security,
            PdMember member,
            Leadership leadership,
            MetaStore meta,
            MeterRegistry metrics) {
        this.options = options;
        this.leadership = leadership;
        this.metrics = metrics;
        this.members = new MemberCalls(member, security, options.answerTimeout());
        this.router = new Router(routes(member, meta));
        this.threads = new ThreadPoolExecutor(
                options.threads(),
                options.threads(),
                0,
                TimeUnit.SECONDS,
                new ArrayBlockingQueue<>(options.queueMax()),
                new DefaultThreadFactory("pd-http", true));
        this.entrance = new HttpFront(options, metrics, this::handle);
    }

    private List<Route> routes(PdMember member, MetaStore meta) {
        List<Route> all = new ArrayList<>();
        all.addAll(new ClusterRoutes(meta).routes());
        all.addAll(new MemberRoutes(member, members).routes());
        all.addAll(new StoreRoutes(meta).routes());
        all.addAll(new RegionRoutes().routes());
        all.addAll(new StoreLimitRoutes().routes());
        all.addAll(new OperatorRoutes().routes());
        all.addAll(new SchedulerRoutes().routes());
        all.addAll(new ConfigRoutes(meta).routes());
        all.addAll(new PlacementRoutes(meta).routes());
        all.addAll(new HotRoutes().routes());
        all.addAll(new HeatRoutes().routes());
        all.addAll(new SchedulingRoutes().routes());
        all.addAll(new GcRoutes(meta).routes());
        all.addAll(UnservedRoutes.routes());
        return all;
    }

    /** Added to a connection that speaks HTTP/1.1, it takes that over. One for all of them. */
    public ChannelHandler entrance() {
        return entrance;
    }

    /** Every route, for the page that lists them. */
    List<Route> routes() {
        return router.routes();
    }

    /** Never fails: what goes wrong is an answer. Any thread; does not block. */
    CompletableFuture<HttpAnswer> handle(HttpCall call) {
        long begunNanos = System.nanoTime();
        String[] route = {"none"};
        CompletableFuture<HttpAnswer> answer;
        try {
            int mark = call.target().indexOf('?');
            String path = mark < 0 ? call.target() : call.target().substring(0, mark);
            Router.Found found = find(call, path);
            route[0] = found.route().method() + " " + found.route().path();
            answer = dispatch(call, found, mark < 0 ? "" : call.target().substring(mark + 1));
        } catch (RuntimeException e) {
            answer = CompletableFuture.completedFuture(failure(call, e));
        }
        return answer.orTimeout(options.answerTimeout().toMillis(), TimeUnit.MILLISECONDS)
                .handle((made, failure) -> failure == null ? made : failure(call, failure))
                .whenComplete((made, none) -> Timer.builder("kv.pd.http")
                        .description("Calls of the HTTP API")
                        .tag("route", route[0])
                        .tag("status", String.valueOf(made.status()))
                        .register(metrics)
                        .record(Duration.ofNanos(System.nanoTime() - begunNanos)));
    }

    private Router.Found find(HttpCall call, String path) {
        if (!call.method().equals("GET") && call.header("origin").isPresent()) {
            // PD knows no users, so a page of some site must not change a cluster through its visitor's browser.
            throw ApiError.refused("pages of web sites may not change the cluster");
        }
        if (!path.startsWith(PREFIX + "/")) {
            throw ApiError.notFound("there is nothing at " + Request.shown(path) + "; the API is at " + PREFIX);
        }
        return router.find(call.method(), path.substring(PREFIX.length()));
    }

    private CompletableFuture<HttpAnswer> dispatch(HttpCall call, Router.Found found, String query) {
        Optional<LeaderTerm> term = leadership.current();
        if (found.route().servedBy() == Route.ServedBy.LEADER && term.isEmpty()) {
            if (call.header(ALLOW_FOLLOWER_HEADER).isPresent()) {
                throw ApiError.unavailable("not leader and follower handling not allowed");
            }
            if (call.header(RELAYED_HEADER).isPresent()) {
                throw ApiError.unavailable("not leader");
            }
            return members.relayToLeader(call);
        }
        Map<String, List<String>> parameters = PercentText.query(query);
        Request request = new Request(found.parameters(), parameters, call.body(), term.orElse(null));
        CompletableFuture<HttpAnswer> answer = new CompletableFuture<>();
        threads.execute(() -> run(found.route().command(), request, answer));
        return answer;
    }

    private static void run(Route.Command command, Request request, CompletableFuture<HttpAnswer> answer) {
        try {
            CompletableFuture<?> unused = command.run(request).whenComplete((made, failure) -> {
                if (failure == null) {
                    answer.complete(made);
                } else {
                    answer.completeExceptionally(failure);
                }
            });
        } catch (RuntimeException e) {
            answer.completeExceptionally(e);
        }
    }

    private static HttpAnswer failure(HttpCall call, Throwable failure) {
        Throwable cause = failure;
        while (cause instanceof CompletionException && cause.getCause() != null) {
            cause = cause.getCause();
        }
        if (cause instanceof ApiError error) {
            return HttpAnswer.failed(error.status(), error.sentence());
        }
        if (cause instanceof MetaException meta) {
            return HttpAnswer.failed(503, said(meta));
        }
        if (cause instanceof TimeoutException) {
            return HttpAnswer.failed(503, "no answer in time; whether anything was changed is not known");
        }
        if (cause instanceof RejectedExecutionException) {
            return HttpAnswer.failed(503, "server is busy");
        }
        log.error("call failed method={}", call.method(), cause);
        return HttpAnswer.failed(500, "failed: " + cause.getClass().getSimpleName());
    }

    private static String said(MetaException failure) {
        return switch (failure.kind()) {
            case NOT_LEADER -> "not leader";
            case UNDETERMINED -> "not leader any more; whether anything was changed is not known";
            case BUSY -> "server is busy: " + failure.getMessage();
            case DISK -> "the disk refused: " + failure.getMessage();
            case EXHAUSTED -> String.valueOf(failure.getMessage());
        };
    }

    @Override
    public void close() {
        threads.shutdownNow();
        members.close();
    }
}
