package io.rutile.pd.http;

import io.rutile.pd.meta.PdMember;
import io.rutile.protocol.pdpb.Member;
import io.rutile.tls.TransportSecurity;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** Calls to other members' HTTP side: relayed requests, and whether they are there. Bounded in number and time. */
final class MemberCalls implements AutoCloseable {

    private static final int UNDER_WAY_MAX = 64;
    private static final int REMOVALS_ASKED_MAX = 20;
    private static final Duration PAUSE = Duration.ofMillis(250);
    private static final Duration PING_TIMEOUT = Duration.ofSeconds(2);

    private final PdMember member;
    private final Duration timeout;
    private final Semaphore places = new Semaphore(UNDER_WAY_MAX);
    /** Connections are kept; its threads come and go with calls. HTTP/1.1, for HTTP/2 on that port means gRPC. */
    private final HttpClient client;

    MemberCalls(PdMember member, TransportSecurity security, Duration timeout) {
        this.client = security.http()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(PING_TIMEOUT)
                .followRedirects(HttpClient.Redirect.NEVER)
                .build();
        this.member = member;
        this.timeout = timeout;
    }

    /** The leader's answer, as it comes. @throws ApiError 503 if nobody leads or too many calls are under way */
    CompletableFuture<HttpAnswer> relayToLeader(HttpCall call) {
        Member leader = member.leader().orElseThrow(() -> ApiError.unavailable("no leader"));
        if (leader.getMemberId() == member.self().getMemberId()) {
            // Elected, but its term is not open yet.
            throw ApiError.unavailable("not leader yet");
        }
        HttpRequest.Builder request = HttpRequest.newBuilder(uri(leader, call.target()))
                .timeout(timeout)
                .header(PdApi.RELAYED_HEADER, member.self().getName())
                .method(call.method(), BodyPublishers.ofByteArray(call.body()));
        call.header("content-type").ifPresent(type -> request.header("content-type", type));
        return send(request.build())
                .thenApply(response -> new HttpAnswer(response.statusCode(), response.body()))
                .exceptionally(failure -> {
                    throw ApiError.unavailable("the leader " + leader.getName() + " cannot be reached");
                });
    }

    /**
     * Asks a member that leads since a moment ago to remove another one.
     *
     * @throws ApiError 503 if it can't be asked, and then whether anything was changed is not known
     */
    CompletableFuture<HttpAnswer> removeAt(Member leader, long memberId) {
        return removeAt(leader, memberId, REMOVALS_ASKED_MAX);
    }

    private CompletableFuture<HttpAnswer> removeAt(Member leader, long memberId, int attempts) {
        HttpRequest request = HttpRequest.newBuilder(uri(leader, PdApi.PREFIX + "/members/id/" + memberId))
                .timeout(timeout)
                .DELETE()
                .header(PdApi.RELAYED_HEADER, member.self().getName())
                .build();
        return send(request)
                .thenCompose(response -> {
                    HttpAnswer answer = new HttpAnswer(response.statusCode(), response.body());
                    // Elected, but its term may not be open yet.
                    return answer.status() == 503 && attempts > 1
                            ? CompletableFuture.supplyAsync(
                                            () -> removeAt(leader, memberId, attempts - 1),
                                            CompletableFuture.delayedExecutor(PAUSE.toMillis(), TimeUnit.MILLISECONDS))
                                    .thenCompose(asked -> asked)
                            : CompletableFuture.completedFuture(answer);
                })
                .exceptionally(failure -> {
                    throw ApiError.unavailable("member " + leader.getName() + " leads now and cannot be reached");
                });
    }

    /** Whether a member answers; never fails. */
    CompletableFuture<Boolean> isAlive(Member other) {
        if (other.getMemberId() == member.self().getMemberId()) {
            return CompletableFuture.completedFuture(true);
        }
        HttpRequest ping;
        try {
            ping = HttpRequest.newBuilder(uri(other, PdApi.PREFIX + "/ping"))
                    .timeout(PING_TIMEOUT)
                    .build();
        } catch (ApiError | IllegalArgumentException e) {
            return CompletableFuture.completedFuture(false);
        }
        try {
            return send(ping).handle((response, failure) -> failure == null && response.statusCode() == 200);
        } catch (ApiError e) {
            return CompletableFuture.completedFuture(false);
        }
    }

    private CompletableFuture<HttpResponse<byte[]>> send(HttpRequest request) {
        if (!places.tryAcquire()) {
            throw ApiError.unavailable("server is busy: too many calls wait for other members");
        }
        return client.sendAsync(request, BodyHandlers.ofByteArray()).whenComplete((done, failure) -> places.release());
    }

    private static URI uri(Member to, String target) {
        if (to.getClientUrlsCount() == 0) {
            throw ApiError.unavailable("member " + to.getName() + " has no client URL");
        }
        try {
            return URI.create(to.getClientUrls(0) + target);
        } catch (IllegalArgumentException e) {
            throw ApiError.badRequest("the address holds characters that must be percent-encoded");
        }
    }

    /** Nothing to end before Java 21: the client goes when nobody holds it. */
    @Override
    public void close() {
        places.drainPermits();
    }
}
