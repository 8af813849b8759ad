package io.rutile.pd.http;

import io.micrometer.core.instrument.MeterRegistry;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.util.ReferenceCountUtil;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/** Takes connections that speak HTTP/1.1 over: codec, limits, then the API. One for the whole port. */
@Sharable
final class HttpFront extends ChannelInitializer<Channel> {

    private final HttpOptions options;
    private final HttpLoad load;
    private final Function<HttpCall, CompletableFuture<HttpAnswer>> api;

    HttpFront(HttpOptions options, MeterRegistry metrics, Function<HttpCall, CompletableFuture<HttpAnswer>> api) {
        this.options = options;
        this.load = new HttpLoad(options, metrics);
        this.api = api;
    }

    @Override
    protected void initChannel(Channel channel) {
        if (!load.open()) {
            channel.pipeline().addLast(new Refusal());
            return;
        }
        channel.closeFuture().addListener(closed -> load.closed());
        HttpConnection connection = new HttpConnection(options, load, api);
        HttpDecoderConfig decoder = new HttpDecoderConfig()
                .setMaxInitialLineLength(options.lineBytesMax())
                .setMaxHeaderSize(options.headerBytesMax());
        channel.pipeline()
                .addLast(connection.firstByteWatch())
                .addLast(new HttpServerCodec(decoder))
                .addLast(new WholeRequests(options.bodyBytesMax()))
                .addLast(connection);
    }

    /** Leaves it to the connection to say that a body is too long: answers go out in the order of the requests. */
    private static final class WholeRequests extends HttpObjectAggregator {

        private WholeRequests(int bodyBytesMax) {
            super(bodyBytesMax, true);
        }

        @Override
        protected void handleOversizedMessage(ChannelHandlerContext context, HttpMessage oversized) {
            context.fireUserEventTriggered(HttpConnection.BODY_TOO_LONG);
        }
    }

    /** Says why and closes, without understanding the request. */
    private static final class Refusal extends ChannelInboundHandlerAdapter {

        private static final String BODY = "\"too many HTTP connections; try it later\"";
        private static final byte[] BUSY = String.join(
                        "\r\n",
                        "HTTP/1.1 503 Service Unavailable",
                        "Content-Type: application/json; charset=UTF-8",
                        "Connection: close",
                        "Content-Length: " + BODY.length(),
                        "",
                        BODY)
                .getBytes(StandardCharsets.US_ASCII);

        private boolean said;

        @Override
        public void channelRead(ChannelHandlerContext context, Object bytes) {
            ReferenceCountUtil.release(bytes);
            if (!said) {
                said = true;
                context.writeAndFlush(Unpooled.wrappedBuffer(BUSY)).addListener(ChannelFutureListener.CLOSE);
            }
        }
    }
}
