package io.rutile.node.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.google.protobuf.ByteString;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.RawPutRequest;
import io.rutile.protocol.kvrpcpb.RawPutResponse;
import io.rutile.storage.engine.KvContext;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class SlowRequestsTest {

    private static final String KEY = "a key of somebody";
    private static final RawPutRequest REQUEST = RawPutRequest.newBuilder()
            .setKey(ByteString.copyFromUtf8(KEY))
            .setValue(ByteString.copyFromUtf8("value"))
            .build();

    private final Logger log = (Logger) LoggerFactory.getLogger(SlowRequests.class);
    private final ListAppender<ILoggingEvent> lines = new ListAppender<>();
    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final AtomicLong nanos = new AtomicLong();

    @BeforeEach
    void listen() {
        lines.start();
        log.addAppender(lines);
    }

    @AfterEach
    void listenNoMore() {
        log.detachAppender(lines);
    }

    @Test
    void lineTellsWhereTheTimeWentAndNoKey() {
        SlowRequests slow = slow(Duration.ofMillis(500));
        KvContext ctx = ctx();
        ctx.times().latched(TimeUnit.MILLISECONDS.toNanos(20));
        ctx.times().queued(TimeUnit.MILLISECONDS.toNanos(30));
        ctx.times().proposed(0);
        ctx.times().accept(TimeUnit.MILLISECONDS.toNanos(400));
        ctx.notReplayable().times().applied(TimeUnit.MILLISECONDS.toNanos(450));

        answered(slow, ctx, 600);

        assertThat(said())
                .singleElement()
                .asString()
                .isEqualTo("slow request rpc=RawPut region=7 kind=none ms=600"
                        + " latchMs=20 queueMs=30 snapshotMs=0 readMs=0 commitMs=400 applyMs=50 otherMs=100 requestBytes="
                        + REQUEST.getSerializedSize() + " answerBytes=0 leftOut=0");
        assertThat(said().toString()).doesNotContain(KEY);
        assertThat(counted()).isEqualTo(1);
    }

    @Test
    void quickOnesAndAThresholdOfZeroSayNothing() {
        answered(slow(Duration.ofMillis(500)), ctx(), 499);
        answered(slow(Duration.ZERO), ctx(), 3_600_000);

        assertThat(said()).isEmpty();
        assertThat(counted()).isZero();
    }

    @Test
    void r10_tenLinesASecondAndTheRestIsCounted() {
        SlowRequests slow = slow(Duration.ofMillis(500));

        for (int i = 0; i < 25; i++) {
            answered(slow, ctx(), 500);
        }

        assertThat(said()).hasSize(10);
        nanos.addAndGet(TimeUnit.SECONDS.toNanos(1));
        answered(slow, ctx(), 500);
        assertThat(said()).hasSize(11).last().asString().endsWith("leftOut=15");
        answered(slow, ctx(), 500);
        assertThat(said()).last().asString().endsWith("leftOut=0");
        assertThat(counted()).isEqualTo(27);
    }

    private SlowRequests slow(Duration threshold) {
        return new SlowRequests(threshold, nanos::get, metrics);
    }

    private static KvContext ctx() {
        return KvContext.of(Context.newBuilder().setRegionId(7).build(), Long.MAX_VALUE);
    }

    private static void answered(SlowRequests slow, KvContext ctx, long ms) {
        slow.answered(
                "RawPut", ctx, TimeUnit.MILLISECONDS.toNanos(ms), REQUEST, RawPutResponse.getDefaultInstance(), "none");
    }

    private List<String> said() {
        return lines.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
    }

    private double counted() {
        return metrics.counter("kv.rpc.slow").count();
    }
}
