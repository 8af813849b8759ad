package io.rutile.gateway.grpc;

import static io.rutile.gateway.RunningGateway.bytes;
import static io.rutile.gateway.RunningGateway.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.rutile.client.feed.FeedPosition;
import io.rutile.gateway.RunningGateway;
import io.rutile.gateway.kv.PrefixRange;
import io.rutile.gateway.v1.Change;
import io.rutile.gateway.v1.Range;
import io.rutile.gateway.v1.TransactionsGrpc;
import io.rutile.gateway.v1.WatchRequest;
import io.rutile.gateway.v1.WatchResponse;
import io.rutile.protocol.TimeStamp;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Watching over gRPC. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class WatchGrpcTest {

    private final RunningGateway gateway = RunningGateway.shared();
    private final TransactionsGrpc.TransactionsBlockingStub txn = TransactionsGrpc.newBlockingStub(gateway.channel());
    private final Context.CancellableContext context = Context.current().withCancellation();

    @AfterEach
    void nothingIsLostOrStuck() {
        context.cancel(null);
        await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> {
            gateway.changes.commit(key("fruit/last"), bytes("x"));
            assertThat(gateway.gauge("kv.gateway.watch.watchers")).isZero();
        });
        assertThat(gateway.gauge("kv.gateway.requests.in.flight")).isZero();
    }

    private static WatchRequest.Builder fruit() {
        return WatchRequest.newBuilder().setPrefix(ByteString.copyFromUtf8("fruit/"));
    }

    /** Ends with the test. */
    private Iterator<WatchResponse> watch(WatchRequest.Builder request) {
        Context before = context.attach();
        try {
            return txn.watch(request.build());
        } finally {
            context.detach(before);
        }
    }

    private static List<Change> read(Iterator<WatchResponse> watch, int count) {
        List<Change> changes = new ArrayList<>();
        while (changes.size() < count) {
            changes.addAll(watch.next().getChangesList());
        }
        assertThat(changes).hasSize(count);
        return changes;
    }

    @Test
    void changesComeInOrderAndGoOnFromAPosition() {
        Iterator<WatchResponse> watch = watch(fruit());
        WatchResponse first = watch.next();
        assertThat(first.getChangesList()).isEmpty();
        TimeStamp put = gateway.changes.commit(key("fruit/1"), bytes("apple"));
        gateway.changes.commit(key("nut/1"), bytes("hazel"));
        TimeStamp deleted = gateway.changes.commit(key("fruit/1"), null);

        List<Change> changes = read(watch, 2);

        assertThat(changes.get(0).getValue()).isEqualTo(ByteString.copyFromUtf8("apple"));
        assertThat(changes.get(0).getCommitTs()).isEqualTo(put.value());
        assertThat(changes.get(1).hasValue()).isFalse();
        assertThat(changes.get(1).getCommitTs()).isEqualTo(deleted.value());
        assertThat(read(watch(fruit().setPosition(first.getPosition())), 2)).isEqualTo(changes);
        assertThat(gateway.gauge("kv.gateway.requests.in.flight")).isZero();
    }

    @Test
    void whatCannotBeWatchedIsRefused() {
        assertThat(refusal(fruit().setPosition("yesterday"))).isEqualTo(Status.Code.INVALID_ARGUMENT);
        assertThat(refusal(WatchRequest.newBuilder()
                        .setRange(Range.newBuilder()
                                .setStart(ByteString.copyFromUtf8("b"))
                                .setEnd(ByteString.copyFromUtf8("a")))))
                .isEqualTo(Status.Code.INVALID_ARGUMENT);
        String position = watch(fruit()).next().getPosition();
        assertThat(refusal(WatchRequest.newBuilder().setPosition(position))).isEqualTo(Status.Code.INVALID_ARGUMENT);
        // Of keys that nobody watches: others would still have it.
        String gone = FeedPosition.after(gateway.changes.now().join()).token(PrefixRange.of(key("gone/")));
        gateway.changes.pass(600_000);
        gateway.changes.collectGarbage(gateway.changes.commit(key("gone/1"), bytes("1")));
        assertThat(refusal(WatchRequest.newBuilder()
                        .setPrefix(ByteString.copyFromUtf8("gone/"))
                        .setPosition(gone)))
                .isEqualTo(Status.Code.OUT_OF_RANGE);
    }

    private Status.Code refusal(WatchRequest.Builder request) {
        StatusRuntimeException refused = catchThrowableOfType(
                StatusRuntimeException.class, () -> watch(request).next());
        return refused.getStatus().getCode();
    }
}
