package io.rutile.pd.http;

import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.DecoderResult;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One connection that speaks HTTP/1.1: one request at a time, in order, each phase with a time limit, so that whoever is slow
 * or silent is gone after a while (E1). Nothing is read while a request is served.
 *
 * <p>Belongs to its connection's event loop; answers are made elsewhere and come back to it.
 */
final class HttpConnection extends SimpleChannelInboundHandler<FullHttpRequest> {

    /** Headers that the API looks at. */
    private static final List<String> HEADERS =
            List.of("origin", PdApi.ALLOW_FOLLOWER_HEADER, PdApi.RELAYED_HEADER, "content-type");

    private static final Duration LINGER_MAX = Duration.ofSeconds(2);

    /** Said by the decoder when a body is beyond its limit. */
    static final Object BODY_TOO_LONG = new Object();

    private final HttpOptions options;
    private final HttpLoad load;
    private final Function<HttpCall, CompletableFuture<HttpAnswer>> api;
    private final Deque<Pending> waiting = new ArrayDeque<>();
    private boolean serving;
    /** Nothing that comes from now on is looked at; the connection ends with the last answer that is due. */
    private boolean ending;

    private boolean idle;
    private @Nullable ScheduledFuture<?> deadline;

    /** @param answer null if the API is yet to be asked */
    private record Pending(
            @Nullable HttpCall call, @Nullable HttpAnswer answer, boolean keepAlive) {}

    HttpConnection(HttpOptions options, HttpLoad load, Function<HttpCall, CompletableFuture<HttpAnswer>> api) {
        this.options = options;
        this.load = load;
        this.api = api;
    }

    /** Stands before the decoder: a request's time begins with its first byte, not when it can be understood. */
    ChannelHandler firstByteWatch() {
        return new ChannelInboundHandlerAdapter() {
            @Override
            public void channelRead(ChannelHandlerContext context, Object bytes) {
                if (idle && !ending) {
                    idle = false;
                    within(options.requestTimeout(), context);
                }
                context.fireChannelRead(bytes);
            }
        };
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        // The first bytes are on their way from the gate.
        within(options.requestTimeout(), context);
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
        take(context, pending(request));
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event == BODY_TOO_LONG) {
            take(context, new Pending(null, HttpAnswer.failed(413, "the body is too long"), false));
        } else {
            context.fireUserEventTriggered(event);
        }
    }

    private void take(ChannelHandlerContext context, Pending pending) {
        if (ending) {
            return;
        }
        if (waiting.size() >= options.pipelinedMax()) {
            ending = true;
            return;
        }
        ending = !pending.keepAlive();
        waiting.add(pending);
        context.channel().config().setAutoRead(false);
        if (!serving) {
            serveNext(context);
        }
    }

    private static Pending pending(FullHttpRequest request) {
        HttpAnswer malformed = malformed(request.decoderResult());
        if (malformed != null) {
            return new Pending(null, malformed, false);
        }
        Map<String, String> headers = new HashMap<>();
        for (String name : HEADERS) {
            String value = request.headers().get(name);
            if (value != null) {
                headers.put(name, value);
            }
        }
        HttpCall call =
                new HttpCall(request.method().name(), request.uri(), headers, ByteBufUtil.getBytes(request.content()));
        return new Pending(call, null, HttpUtil.isKeepAlive(request));
    }

    private static @Nullable HttpAnswer malformed(DecoderResult result) {
        if (result.isSuccess()) {
            return null;
        }
        if (result.cause() instanceof TooLongHttpLineException) {
            return HttpAnswer.failed(414, "the request line is too long");
        }
        if (result.cause() instanceof TooLongHttpHeaderException) {
            return HttpAnswer.failed(431, "the headers are too long");
        }
        return HttpAnswer.failed(400, "this is not a request of HTTP/1.1");
    }

    private void serveNext(ChannelHandlerContext context) {
        Pending next = waiting.poll();
        if (next == null) {
            serving = false;
            if (ending) {
                end(context);
                return;
            }
            idle = true;
            within(options.idleTimeout(), context);
            context.channel().config().setAutoRead(true);
            return;
        }
        serving = true;
        // The command's own time-out answers first; this one is for what hangs.
        within(options.answerTimeout().multipliedBy(2), context);
        HttpAnswer known = next.answer();
        if (known != null) {
            answer(context, known, next.keepAlive());
            return;
        }
        CompletableFuture<?> unused = api.apply(Objects.requireNonNull(next.call()))
                .whenComplete((answer, failure) -> onLoop(
                        context,
                        () -> answer(
                                context,
                                failure == null ? answer : HttpAnswer.failed(500, "failed"),
                                next.keepAlive())));
    }

    private static void onLoop(ChannelHandlerContext context, Runnable task) {
        try {
            context.executor().execute(task);
        } catch (RejectedExecutionException e) {
            // The port is closed, and the connection with it.
            context.channel().unsafe().closeForcibly();
        }
    }

    private void answer(ChannelHandlerContext context, HttpAnswer made, boolean keepAlive) {
        boolean taken = load.takeAnswer(made.body().length);
        HttpAnswer answer =
                taken ? made : HttpAnswer.failed(503, "too many answers wait to be taken; try again in a moment");
        long counted = taken ? made.body().length : 0;
        DefaultFullHttpResponse response = new DefaultFullHttpResponse(
                HttpVersion.HTTP_1_1,
                HttpResponseStatus.valueOf(answer.status()),
                Unpooled.wrappedBuffer(answer.body()));
        HttpHeaders headers = response.headers();
        headers.set(HttpHeaderNames.CONTENT_TYPE, "application/json; charset=UTF-8");
        headers.set(HttpHeaderNames.CONTENT_LENGTH, answer.body().length);
        headers.set("x-content-type-options", "nosniff");
        if (!keepAlive) {
            headers.set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
        }
        within(options.writeTimeout(), context);
        ChannelFuture written = context.writeAndFlush(response);
        written.addListener(done -> {
            load.answerTaken(counted);
            if (!done.isSuccess()) {
                cancelDeadline();
                close(context);
            } else if (keepAlive) {
                serveNext(context);
            } else {
                end(context);
            }
        });
    }

    /**
     * Says that nothing more will come, and lets go when the client has heard it: closed with bytes unread, the connection would
     * be reset, and the answer lost with it.
     */
    private void end(ChannelHandlerContext context) {
        ending = true;
        idle = true;
        within(LINGER_MAX, context);
        if (context.channel() instanceof DuplexChannel duplex) {
            ChannelFuture unused = duplex.shutdownOutput();
        }
        context.channel().config().setAutoRead(true);
    }

    /** From now on this phase has so long; then the connection ends. */
    private void within(Duration limit, ChannelHandlerContext context) {
        cancelDeadline();
        boolean quiet = idle;
        deadline = context.executor()
                .schedule(
                        () -> {
                            if (!quiet) {
                                load.countTimedOut();
                            }
                            close(context);
                        },
                        limit.toMillis(),
                        TimeUnit.MILLISECONDS);
    }

    private void cancelDeadline() {
        ScheduledFuture<?> running = deadline;
        if (running != null) {
            running.cancel(false);
            deadline = null;
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        cancelDeadline();
        waiting.clear();
        context.fireChannelInactive();
    }

    /** A connection reset by its client, or bytes that the codec chokes on: nobody to answer. */
    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        close(context);
    }

    private static void close(ChannelHandlerContext context) {
        ChannelFuture unused = context.close();
    }
}
