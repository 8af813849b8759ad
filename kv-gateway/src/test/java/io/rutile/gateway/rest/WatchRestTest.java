package io.rutile.gateway.rest;

import static io.rutile.gateway.RunningGateway.bytes;
import static io.rutile.gateway.RunningGateway.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.rutile.client.feed.FeedPosition;
import io.rutile.gateway.RunningGateway;
import io.rutile.gateway.kv.PrefixRange;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.TimeStamp;
import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Watching by server-sent events. */
class WatchRestTest {

    private static final String WATCH = "/v1/txn/watch?prefix=fruit/";
    private static final KeyRange FRUIT = PrefixRange.of(key("fruit/"));
    private static final long PATIENCE_SECONDS = 60;

    private final RunningGateway gateway = RunningGateway.shared();

    @AfterEach
    void nothingIsLostOrStuck() {
        // Who is gone is noticed by the next event.
        await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> {
            gateway.changes.commit(key("fruit/last"), bytes("x"));
            assertThat(gateway.gauge("kv.gateway.watch.watchers")).isZero();
        });
        assertThat(gateway.gauge("kv.gateway.requests.in.flight")).isZero();
        assertThat(gateway.gauge("kv.gateway.in.flight")).isZero();
    }

    /** An event as a browser would see it; without a name it only moved the id. */
    private record Event(
            @Nullable String id,
            @Nullable String name,
            @Nullable String data) {

        JsonNode json() {
            return RunningGateway.JSON.readTree(String.valueOf(data));
        }
    }

    /** Reads events of one watch. */
    private static final class Events implements AutoCloseable {

        private final java.util.stream.Stream<String> body;
        private final Iterator<String> lines;
        String lastId = "";

        Events(HttpResponse<java.util.stream.Stream<String>> response) {
            assertThat(response.statusCode()).isEqualTo(200);
            assertThat(response.headers().firstValue("Content-Type"))
                    .hasValueSatisfying(type -> assertThat(type).startsWith("text/event-stream"));
            assertThat(response.headers().firstValue("Cache-Control")).hasValue("no-store");
            body = response.body();
            lines = body.iterator();
        }

        Event next() {
            String name = null;
            String data = null;
            String id = null;
            for (String line = lines.next(); !line.isEmpty(); line = lines.next()) {
                if (line.startsWith("id: ")) {
                    id = line.substring(4);
                    lastId = id;
                } else if (line.startsWith("event: ")) {
                    name = line.substring(7);
                } else if (line.startsWith("data: ")) {
                    data = line.substring(6);
                } else {
                    assertThat(line).startsWith("retry: ");
                }
            }
            return new Event(id, name, data);
        }

        /** Past those that only move the id. */
        Event nextNamed() {
            Event event = next();
            while (event.name() == null) {
                event = next();
            }
            return event;
        }

        boolean isOver() {
            return !lines.hasNext();
        }

        @Override
        public void close() {
            body.close();
        }
    }

    private Events open(String path, String... headers) throws Exception {
        var request = gateway.request(path);
        if (headers.length > 0) {
            request.headers(headers);
        }
        return new Events(gateway.http().send(request.GET().build(), HttpResponse.BodyHandlers.ofLines()));
    }

    @Test
    void changesComeAsEventsWithPositions() throws Exception {
        try (Events events = open(WATCH)) {
            TimeStamp put = gateway.changes.commit(key("fruit/1"), bytes("apple"));
            TimeStamp deleted = gateway.changes.commit(key("fruit/1"), null);
            gateway.changes.commit(key("nut/1"), bytes("hazel"));
            gateway.changes.commit(key("fruit/2"), new byte[] {(byte) 0xff, 0});

            Event first = events.nextNamed();
            assertThat(first.name()).isEqualTo("put");
            assertThat(first.json().get("key").asString()).isEqualTo("fruit/1");
            assertThat(first.json().get("value").asString()).isEqualTo("apple");
            assertThat(first.json().get("commitTs").asString()).isEqualTo(put.toString());
            assertThat(FeedPosition.parse(String.valueOf(first.id()), FRUIT)).isEqualTo(new FeedPosition(put, 1));
            Event second = events.nextNamed();
            assertThat(second.name()).isEqualTo("delete");
            assertThat(second.json().has("value")).isFalse();
            assertThat(second.json().get("commitTs").asString()).isEqualTo(deleted.toString());
            assertThat(events.nextNamed().json().get("valueBase64url").asString())
                    .isEqualTo("_wA");
        }
    }

    @Test
    void aWatchGoesOnWhereItsLastEventWas() throws Exception {
        String position;
        try (Events events = open(WATCH)) {
            TreeMap<ByteKey, byte @Nullable []> both = new TreeMap<>();
            both.put(key("fruit/a"), bytes("1"));
            both.put(key("fruit/b"), bytes("2"));
            gateway.changes.commit(both);
            events.nextNamed();
            position = events.lastId;
        }
        gateway.changes.commit(key("fruit/c"), bytes("3"));

        try (Events again = open(WATCH + "&from=" + position)) {
            assertThat(again.nextNamed().json().get("key").asString()).isEqualTo("fruit/b");
            assertThat(again.nextNamed().json().get("key").asString()).isEqualTo("fruit/c");
        }
        try (Events again = open(WATCH + "&from=now", "Last-Event-ID", position)) {
            assertThat(again.nextNamed().json().get("key").asString()).isEqualTo("fruit/b");
        }
        try (Events hex = open("/v1/txn/watch?enc=hex&prefix=66727569742f&from=" + position)) {
            assertThat(hex.nextNamed().json().get("key").asString()).isEqualTo("66727569742f62");
        }
    }

    @Test
    void whoWatchesHasAPositionFromTheBeginning() throws Exception {
        gateway.changes.commit(key("fruit/before"), bytes("0"));
        try (Events events = open(WATCH)) {
            Event first = events.next();
            assertThat(first.name()).isNull();
            assertThat(first.data()).isNull();
            gateway.changes.commit(key("fruit/1"), bytes("1"));

            try (Events again = open(WATCH, "Last-Event-ID", String.valueOf(first.id()))) {
                assertThat(again.nextNamed().json().get("key").asString()).isEqualTo("fruit/1");
            }
        }
    }

    @Test
    void whatIsNoPositionIsRefused() {
        String position = FeedPosition.after(new TimeStamp(1L << 40)).token(FRUIT);
        String ofTheFuture =
                FeedPosition.after(TimeStamp.of(2_000_000_000_000L, 0)).token(FRUIT);
        assertProblem(gateway.get(WATCH + "&from=" + ofTheFuture), 400, "invalid-request");
        for (String from : List.of("yesterday", "", position.substring(1), position + "A", "A" + position)) {
            if (!from.isEmpty()) {
                assertProblem(gateway.get(WATCH + "&from=" + from), 400, "invalid-request");
            }
        }
        assertProblem(gateway.get("/v1/txn/watch?prefix=nut/&from=" + position), 400, "invalid-request");
        assertProblem(gateway.get("/v1/txn/watch?start=b&end=a"), 400, "invalid-request");
        assertProblem(gateway.get("/v1/txn/watch?prefix=a&start=b"), 400, "invalid-request");
        assertProblem(gateway.get("/v1/txn/watch?prefxi=a"), 400, "invalid-request");
        assertProblem(gateway.get(WATCH, "Accept", "application/json"), 406, "not-acceptable");
    }

    @Test
    void whoAsksForTheHeadDoesNotWatch() {
        HttpResponse<byte[]> head =
                gateway.send(gateway.request(WATCH).method("HEAD", HttpRequest.BodyPublishers.noBody()));

        assertThat(head.statusCode()).isEqualTo(200);
        assertThat(head.headers().firstValue("Content-Type"))
                .hasValueSatisfying(type -> assertThat(type).startsWith("text/event-stream"));
    }

    @Test
    void aPositionThatIsTooOldIsGone() throws Exception {
        // Of keys that nobody watches: others would still have it.
        String position = FeedPosition.after(gateway.changes.now().get()).token(PrefixRange.of(key("gone/")));
        gateway.changes.pass(600_000);
        gateway.changes.collectGarbage(gateway.changes.commit(key("gone/1"), bytes("1")));

        assertProblem(gateway.get("/v1/txn/watch?prefix=gone/&from=" + position), 410, "position-gone");
    }

    @Test
    void whoReadsTooSlowlyIsToldSoWithAPosition() throws Exception {
        try (RunningGateway small = RunningGateway.start(
                "rutile.gateway.watch.feed-bytes-max=256KB", "rutile.gateway.watch.heartbeat=100ms")) {
            try (Socket slow = small.open("GET " + WATCH + " HTTP/1.1\r\nHost: gateway\r\n\r\n")) {
                readUntil(slow, "\n\n");
                // Told one, it has a position of its own, wherever the flood finds it.
                small.changes.commit(key("fruit/first"), bytes("x"));
                String first = readUntil(slow, "event: put");
                byte[] value = bytes("x".repeat(100_000));
                for (int i = 0; i < 100; i++) {
                    small.changes.commit(key("fruit/" + i), value);
                }
                await().until(() -> small.gauge("kv.gateway.watch.held") > 100_000);

                String told = first + readUntil(slow, "\r\n0\r\n\r\n");
                assertThat(told).contains("event: end\ndata: {\"problem\":{").contains("urn:rutile:problem:too-slow");
                String end = told.substring(told.lastIndexOf("id: ") + 4);
                FeedPosition position = FeedPosition.parse(end.substring(0, end.indexOf('\n')), FRUIT);
                long puts = told.split("event: put", -1).length - 1L;
                assertThat(puts).isBetween(1L, 100L);
                assertThat(position.count()).isPositive();
            }
        }
    }

    private static String readUntil(Socket socket, String last) throws IOException {
        StringBuilder text = new StringBuilder();
        byte[] buffer = new byte[64 << 10];
        while (text.indexOf(last, Math.max(0, text.length() - buffer.length - last.length())) < 0) {
            int read = socket.getInputStream().read(buffer);
            assertThat(read).as("the connection is cut").isPositive();
            text.append(new String(buffer, 0, read, StandardCharsets.ISO_8859_1));
        }
        return text.toString();
    }

    @Test
    void watchersAreBoundedAndToldToComeBack() throws Exception {
        try (RunningGateway small = RunningGateway.start("rutile.gateway.watch.watchers-max=1")) {
            try (Events events = new Events(
                    small.http().send(small.request(WATCH).GET().build(), HttpResponse.BodyHandlers.ofLines()))) {
                events.next();
                HttpResponse<byte[]> refused = small.get(WATCH);

                assertProblem(refused, 429, "too-many-watches");
                assertThat(refused.headers().firstValue("Retry-After")).hasValue("1");
                // It takes nobody's place among the requests in flight.
                assertThat(small.gauge("kv.gateway.requests.in.flight")).isZero();
            }
        }
    }

    @Test
    void watchesEndInOrderWhenTheGatewayStops() throws Exception {
        RunningGateway stopping = RunningGateway.start();
        try (Events events = new Events(
                stopping.http().send(stopping.request(WATCH).GET().build(), HttpResponse.BodyHandlers.ofLines()))) {
            events.next();

            CompletableFuture<Void> stop = CompletableFuture.runAsync(stopping::close);

            Event end = events.nextNamed();
            assertThat(end.name()).isEqualTo("end");
            assertThat(end.json().get("problem").get("type").asString()).isEqualTo("urn:rutile:problem:unavailable");
            assertThat(events.isOver()).isTrue();
            stop.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        }
    }

    /** The promise, over as many connections. */
    @Test
    void aThousandWatchersOfOnePrefixSeeEachChangeOnce() throws Exception {
        int watchers = 1_000;
        int commits = 100;
        List<CompletableFuture<List<String>>> all = new ArrayList<>();
        List<Collector> collectors = new ArrayList<>();
        for (int i = 0; i < watchers; i++) {
            Collector collector = new Collector(commits);
            collectors.add(collector);
            all.add(collector.done);
            var unused = gateway.http()
                    .sendAsync(
                            gateway.request(WATCH).GET().build(),
                            HttpResponse.BodyHandlers.fromLineSubscriber(collector))
                    .whenComplete((response, failure) -> {
                        if (failure != null) {
                            collector.done.completeExceptionally(failure);
                        }
                    });
        }
        await().atMost(Duration.ofSeconds(PATIENCE_SECONDS))
                .until(() -> collectors.stream().allMatch(collector -> collector.begun));

        List<String> expected = new ArrayList<>();
        for (int i = 0; i < commits; i++) {
            expected.add(gateway.changes
                    .commit(key("fruit/" + i % 7), bytes("v" + i))
                    .toString());
        }

        for (CompletableFuture<List<String>> one : all) {
            assertThat(one.get(PATIENCE_SECONDS, TimeUnit.SECONDS)).isEqualTo(expected);
        }
        assertThat(gateway.changes.feedsOpened()).isEqualTo(1);
    }

    /** Notes the commit timestamps of so many events, then goes. */
    private static final class Collector implements Flow.Subscriber<String> {

        final CompletableFuture<List<String>> done = new CompletableFuture<>();
        volatile boolean begun;
        private final int wanted;
        private final List<String> seen = new ArrayList<>();
        private Flow.@Nullable Subscription subscription;

        Collector(int wanted) {
            this.wanted = wanted;
        }

        @Override
        public void onSubscribe(Flow.Subscription granted) {
            subscription = granted;
            granted.request(Long.MAX_VALUE);
        }

        @Override
        public void onNext(String line) {
            begun = true;
            if (line.startsWith("data: ")) {
                JsonNode data = RunningGateway.JSON.readTree(line.substring(6));
                if (!data.has("commitTs")) {
                    done.completeExceptionally(new AssertionError(line));
                    return;
                }
                seen.add(data.get("commitTs").asString());
                if (seen.size() == wanted && subscription != null) {
                    subscription.cancel();
                    done.complete(List.copyOf(seen));
                }
            }
        }

        @Override
        public void onError(Throwable failure) {
            done.completeExceptionally(failure);
        }

        @Override
        public void onComplete() {
            done.completeExceptionally(new AssertionError("the watch has ended after " + seen.size()));
        }
    }

    private static void assertProblem(HttpResponse<byte[]> response, int status, String type) {
        assertThat(response.statusCode())
                .as(new String(response.body(), StandardCharsets.UTF_8))
                .isEqualTo(status);
        assertThat(RunningGateway.json(response).get("type").asString()).isEqualTo("urn:rutile:problem:" + type);
    }
}
