package io.rutile.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.rutile.cli.cluster.Role;
import io.rutile.cli.cluster.ServiceProcess;
import io.rutile.cli.fault.RegionSplits;
import io.rutile.client.RutileClient;
import io.rutile.client.raw.RawKv;
import io.rutile.protocol.ByteKey;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.tikv.common.TiSession;
import org.tikv.raw.RawKVClient;
import org.tikv.shade.com.google.protobuf.ByteString;

/** Every node is stopped in order (SIGTERM) and started again, one after the other, and no client sees a failed call. */
@Tag("cluster")
@ExtendWith(SharedHouse.class)
class RollingRestartIT {

    private static final String PREFIX = "rolling/";

    /** A call that a restart holds up for longer is as bad as one that fails. */
    private static final Duration CALL_MAX = Duration.ofSeconds(5);

    private static final Duration READY_MAX = Duration.ofMinutes(1);
    private static final int CALLS_BETWEEN = 100;

    private static TestHouse house;
    private static RutileClient client;
    private static TiSession session;
    private static RawKVClient published;

    private final List<Caller> callers = new ArrayList<>();
    private volatile boolean stopped;

    @BeforeAll
    static void up(TestHouse shared) throws Exception {
        house = shared;
        client = house.client();
        session = TikvClients.session(house, configuration -> {});
        published = session.createRawClient();
        // Several Regions, so that a node gives its leaders to more than one other.
        RegionSplits splits = new RegionSplits(client.pd());
        for (int i = 1; i < 4; i++) {
            assertThat(splits.split(PREFIX + i)).isTrue();
        }
    }

    @AfterAll
    static void down() throws Exception {
        if (published != null) {
            published.close();
            session.close();
        }
        if (client != null) {
            client.close();
        }
    }

    /** What is asked of a client; a key's value is whatever was put last. */
    private interface Pairs {

        void put(String key, byte[] value) throws Exception;

        byte[] get(String key) throws Exception;
    }

    private static Pairs ours(RawKv raw) {
        return new Pairs() {
            @Override
            public void put(String key, byte[] value) throws Exception {
                raw.put(key(key), value, Duration.ZERO).get(60, TimeUnit.SECONDS);
            }

            @Override
            public byte[] get(String key) throws Exception {
                return raw.get(key(key)).get(60, TimeUnit.SECONDS).orElseThrow();
            }

            private static ByteKey key(String text) {
                return ByteKey.wrap(text.getBytes(StandardCharsets.US_ASCII));
            }
        };
    }

    private static Pairs published(RawKVClient raw) {
        return new Pairs() {
            @Override
            public void put(String key, byte[] value) {
                raw.put(ByteString.copyFromUtf8(key), ByteString.copyFrom(value));
            }

            @Override
            public byte[] get(String key) {
                Optional<ByteString> value = raw.get(ByteString.copyFromUtf8(key));
                return value.orElseThrow().toByteArray();
            }
        };
    }

    /** Puts and gets one key of each Region in turn, for ever. */
    private final class Caller {

        private final String name;
        private final Pairs pairs;
        private final Queue<String> failures = new ConcurrentLinkedQueue<>();
        private final AtomicLong calls = new AtomicLong();
        private final AtomicLong slowestNanos = new AtomicLong();
        private final Thread thread;

        Caller(String name, Pairs pairs) {
            this.name = name;
            this.pairs = pairs;
            this.thread = new Thread(this::call, name);
        }

        private void call() {
            for (int i = 0; !stopped; i++) {
                String key = PREFIX + i % 4 + "/" + name + "/" + i % 100;
                byte[] value = Integer.toString(i).getBytes(StandardCharsets.US_ASCII);
                timed("put", () -> pairs.put(key, value));
                timed("get", () -> {
                    byte[] found = pairs.get(key);
                    if (!Arrays.equals(found, value)) {
                        throw new AssertionError("read " + new String(found, StandardCharsets.US_ASCII) + " instead of "
                                + new String(value, StandardCharsets.US_ASCII));
                    }
                });
            }
        }

        private void timed(String what, Call call) {
            long begunNanos = System.nanoTime();
            try {
                call.run();
            } catch (Exception | AssertionError e) {
                failures.add(what + ": " + e + " cause " + e.getCause());
            }
            long took = System.nanoTime() - begunNanos;
            slowestNanos.accumulateAndGet(took, Math::max);
            calls.incrementAndGet();
        }

        @Override
        public String toString() {
            return name + ": " + calls + " calls, slowest " + slowestNanos.get() / 1_000_000 + " ms, " + failures.size()
                    + " failed";
        }
    }

    private interface Call {
        void run() throws Exception;
    }

    private void awaitCalls() {
        for (Caller caller : callers) {
            long soFar = caller.calls.get();
            await().atMost(READY_MAX).until(() -> caller.calls.get() >= soFar + CALLS_BETWEEN);
        }
    }

    @Test
    void noCallFailsWhileEveryNodeIsRestarted() throws Exception {
        for (int i = 0; i < 2; i++) {
            callers.add(new Caller("ours-" + i, ours(client.raw())));
            callers.add(new Caller("client-java-" + i, published(published)));
        }
        callers.forEach(caller -> caller.thread.start());
        try {
            awaitCalls();
            for (ServiceProcess node : house.cluster().processes(Role.NODE)) {
                assertThat(house.cluster().stop(List.of(node), line -> {}))
                        .as("killed, because it did not end")
                        .isEmpty();
                awaitCalls();
                house.cluster().start(node.name());
                house.awaitReady();
                awaitCalls();
                System.err.println("restarted " + node.name() + ": " + callers);
            }
        } finally {
            stopped = true;
            for (Caller caller : callers) {
                caller.thread.join(READY_MAX.toMillis());
            }
        }

        for (Caller caller : callers) {
            assertThat(caller.failures).as(caller.name).isEmpty();
            assertThat(Duration.ofNanos(caller.slowestNanos.get()))
                    .as(caller.name)
                    .isLessThan(CALL_MAX);
        }
    }
}
