package io.rutile.gateway.grpc;

import static io.rutile.gateway.RunningGateway.bytes;
import static io.rutile.gateway.RunningGateway.key;
import static io.rutile.gateway.grpc.GrpcTesting.pair;
import static io.rutile.gateway.grpc.GrpcTesting.utf8;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.rutile.gateway.RunningGateway;
import io.rutile.gateway.v1.BeginRequest;
import io.rutile.gateway.v1.CommitRequest;
import io.rutile.gateway.v1.Condition;
import io.rutile.gateway.v1.ExecuteRequest;
import io.rutile.gateway.v1.ExecuteResponse;
import io.rutile.gateway.v1.Operation;
import io.rutile.gateway.v1.RawCompareAndSwapRequest;
import io.rutile.gateway.v1.RawCompareAndSwapResponse;
import io.rutile.gateway.v1.RawGetRequest;
import io.rutile.gateway.v1.RawGetResponse;
import io.rutile.gateway.v1.RawKvGrpc;
import io.rutile.gateway.v1.RawPutRequest;
import io.rutile.gateway.v1.RawScanRequest;
import io.rutile.gateway.v1.ReadRequest;
import io.rutile.gateway.v1.ReadResponse;
import io.rutile.gateway.v1.Scan;
import io.rutile.gateway.v1.ScanResponse;
import io.rutile.gateway.v1.TransactionsGrpc;
import io.rutile.gateway.v1.TxnGetRequest;
import io.rutile.gateway.v1.TxnGetResponse;
import io.rutile.gateway.v1.TxnPutRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What docs/operations/grpc-api.md shows people works: its Java is this test's, and here it runs. */
class GrpcApiDocTest {

    private static final Path PAGE = Path.of("..", "docs", "operations", "grpc-api.md");
    private static final Path THIS =
            Path.of("src", "test", "java", "io", "rutile", "gateway", "grpc", "GrpcApiDocTest.java");
    private static final Pattern JAVA = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

    private final RunningGateway gateway = RunningGateway.shared();
    private final List<String> printed = new ArrayList<>();

    @Test
    void theExamplesOfThePageWork() {
        int port = gateway.grpcPort;

        ManagedChannel channel =
                NettyChannelBuilder.forAddress("127.0.0.1", port).usePlaintext().build();
        RawKvGrpc.RawKvBlockingStub raw = RawKvGrpc.newBlockingStub(channel);

        raw.withDeadlineAfter(2, TimeUnit.SECONDS)
                .put(RawPutRequest.newBuilder()
                        .setKey(utf8("fruit/1"))
                        .setValue(utf8("apple"))
                        .build());
        RawGetResponse found =
                raw.get(RawGetRequest.newBuilder().setKey(utf8("fruit/1")).build());
        String value = found.hasValue() ? found.getValue().toStringUtf8() : "nothing there";

        RawCompareAndSwapResponse swap = raw.compareAndSwap(RawCompareAndSwapRequest.newBuilder()
                .setKey(utf8("fruit/1"))
                .setExpected(utf8("apple"))
                .setUpdate(utf8("pear"))
                .build());

        Iterator<ScanResponse> parts = raw.scan(RawScanRequest.newBuilder()
                .setScan(Scan.newBuilder().setPrefix(utf8("fruit/")))
                .build());
        parts.forEachRemaining(part -> part.getPairsList().forEach(pair -> print(pair.getKey(), pair.getValue())));

        assertThat(value).isEqualTo("apple");
        assertThat(swap.getSwapped()).isTrue();
        assertThat(printed).containsExactly("fruit/1=pear");

        TransactionsGrpc.TransactionsBlockingStub txn = TransactionsGrpc.newBlockingStub(channel);
        ExecuteResponse sale = txn.execute(ExecuteRequest.newBuilder()
                .addCompare(Condition.newBuilder().setKey(utf8("order/7")).setExists(false))
                .addThen(Operation.newBuilder().setPut(pair("order/7", "apple")))
                .addOtherwise(Operation.newBuilder().setGet(utf8("order/7")))
                .build());

        assertThat(sale.getSucceeded()).isTrue();

        String id = txn.begin(BeginRequest.getDefaultInstance()).getTransactionId();
        TxnGetResponse order = txn.get(TxnGetRequest.newBuilder()
                .setTransactionId(id)
                .setKey(utf8("order/7"))
                .build());
        txn.put(TxnPutRequest.newBuilder()
                .setTransactionId(id)
                .addPairs(pair("order/7", order.getValue().toStringUtf8() + ", sent"))
                .build());
        long commitTs = txn.commit(
                        CommitRequest.newBuilder().setTransactionId(id).build())
                .getCommitTs();

        ReadResponse now = txn.read(
                ReadRequest.newBuilder().setKey(utf8("order/7")).setTs(commitTs).build());

        assertThat(now.getValue()).isEqualTo(utf8("apple, sent"));
        assertThat(gateway.txn.newest().get(key("order/7"))).isEqualTo(bytes("apple, sent"));
        channel.shutdownNow();
    }

    @Test
    void theExamplesOfThePageAreThese() throws Exception {
        String source = withoutSpaces(Files.readString(THIS));
        List<String> examples = JAVA.matcher(Files.readString(PAGE))
                .results()
                .map((MatchResult match) -> match.group(1))
                .toList();

        assertThat(examples).hasSize(3);
        for (String example : examples) {
            assertThat(source).contains(withoutSpaces(example.replace("8082", "port")));
        }
    }

    private void print(ByteString key, ByteString value) {
        printed.add(key.toStringUtf8() + "=" + value.toStringUtf8());
    }

    private static String withoutSpaces(String text) {
        return text.replaceAll("\\s+", "");
    }
}
