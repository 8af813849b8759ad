package io.rutile.gateway.kv;

import static io.rutile.gateway.RunningGateway.bytes;
import static io.rutile.gateway.RunningGateway.key;
import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.client.raw.RawKv.Pair;
import io.rutile.protocol.ByteKey;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BatchReadTest {

    private final InMemoryKvOperations kv = new InMemoryKvOperations();

    @Test
    void readsThousandsOfSmallValuesInTheOrderOfTheRequest() {
        List<ByteKey> keys = IntStream.range(0, 10_240)
                .mapToObj(i -> key("k" + (i * 7) % 10_240))
                .toList();
        keys.forEach(key -> kv.pairs.put(key, bytes("v")));
        kv.pairs.remove(key("k14"));

        BatchRead.Result result = read(keys);

        assertThat(result.unread()).isEmpty();
        assertThat(result.pairs().stream().map(Pair::key))
                .containsExactlyElementsOf(
                        keys.stream().filter(key -> !key.equals(key("k14"))).toList());
    }

    @Test
    void stopsWhenTheAnswerIsFull() {
        List<ByteKey> keys =
                IntStream.range(0, 1_000).mapToObj(i -> key("k" + i)).toList();
        byte[] value = new byte[128 << 10];
        keys.forEach(key -> kv.pairs.put(key, value));

        BatchRead.Result result = read(keys);

        // 64 keys first, 64 more fill 16 MiB.
        assertThat(result.pairs()).hasSize(128);
        assertThat(result.unread()).isEqualTo(keys.subList(128, 1_000));
    }

    private BatchRead.Result read(List<ByteKey> keys) {
        GatewayLimits.Permit permit = new GatewayLimits(1, 64 << 20, new SimpleMeterRegistry()).admit();
        Deadline deadline = Deadline.after(Duration.ofSeconds(30));
        return new BatchRead(slice -> kv.batchGet(slice, deadline), keys, permit)
                .run()
                .join();
    }
}
