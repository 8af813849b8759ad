package io.rutile.pd.http;

import io.rutile.pd.meta.HostPort;
import io.rutile.pd.meta.InitialCluster;
import io.rutile.pd.meta.MemberIdentity;
import io.rutile.protocol.pdpb.Member;
import io.rutile.tls.TlsFailures;
import io.rutile.tls.TransportSecurity;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** What a process asks of members before it is one: to be taken in, or whether it was put out. For one thread. */
public final class ClusterJoin {

    private static final Logger log = LoggerFactory.getLogger(ClusterJoin.class);

    private static final Duration CALL_TIMEOUT = Duration.ofSeconds(10);
    private static final Duration STANDING_TIMEOUT = Duration.ofSeconds(1);
    private static final long PAUSE_MS = 500;

    private final HttpClient client;

    /** @param security of calls to members */
    public ClusterJoin(TransportSecurity security) {
        this.client = security.http()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(STANDING_TIMEOUT)
                .followRedirects(HttpClient.Redirect.NEVER)
                .build();
    }

    /** Not taken in; the message is what the cluster said, or that nobody was reached. */
    public static final class NotTakenInException extends Exception {

        private static final long serialVersionUID = 1;

        NotTakenInException(String message) {
            super(message);
        }
    }

    /**
     * Asks any of the members, which ask their leader, until the cluster has decided. Asked again with the same incarnation, after a
     * crash or a lost answer, it decides nothing new.
     *
     * @param members client URLs of members, of which one that answers is enough
     * @param self name and peer URL, client URLs if they are known
     * @param patience how long a cluster without leader, or busy with another member, is asked again
     * @throws NotTakenInException with one clear sentence
     */
    public MemberIdentity join(List<String> members, Member self, long incarnation, Duration patience)
            throws NotTakenInException {
        long deadline = System.nanoTime() + patience.toNanos();
        byte[] body = Json.bytes(MemberJson.asking(self, incarnation));
        String last = "";
        while (true) {
            for (String url : members) {
                HttpResponse<byte[]> answer;
                try {
                    answer = client.send(
                            HttpRequest.newBuilder(URI.create(url + PdApi.PREFIX + "/members"))
                                    .timeout(CALL_TIMEOUT)
                                    .header("content-type", "application/json")
                                    .POST(BodyPublishers.ofByteArray(body))
                                    .build(),
                            BodyHandlers.ofByteArray());
                } catch (IOException e) {
                    String reason = TlsFailures.reason(e);
                    last = url + (reason == null ? " cannot be reached: " + e : " " + reason);
                    continue;
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new NotTakenInException("interrupted while asking " + url);
                }
                if (answer.statusCode() == 200) {
                    return identity(answer.body(), incarnation, url);
                }
                last = url + " says: " + said(answer.body());
                if (answer.statusCode() != 503) {
                    throw new NotTakenInException(last);
                }
            }
            if (System.nanoTime() - deadline >= 0) {
                throw new NotTakenInException(last);
            }
            log.info("not taken in yet cause=\"{}\"", last);
            pause();
        }
    }

    private static void pause() throws NotTakenInException {
        try {
            TimeUnit.MILLISECONDS.sleep(PAUSE_MS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new NotTakenInException("interrupted while waiting for the cluster");
        }
    }

    private static MemberIdentity identity(byte[] body, long incarnation, String url) throws NotTakenInException {
        try {
            ObjectNode answer = Json.parseObject(body);
            Map<Long, InitialCluster.Entry> known = new TreeMap<>();
            for (JsonNode member : (ArrayNode) answer.get("members")) {
                String address = member.get("raft_address").asString();
                HostPort.parse(address);
                known.put(
                        member.get("member_id").asLong(),
                        new InitialCluster.Entry(member.get("name").asString(), address));
            }
            long id = answer.get("member_id").asLong();
            return new MemberIdentity(
                    id,
                    Objects.requireNonNull(known.get(id), "its own member").name(),
                    Long.parseLong(answer.get("group_id").asString()),
                    incarnation,
                    true,
                    known);
        } catch (RuntimeException e) {
            throw new NotTakenInException(url + " answers what no member answers: " + e.getMessage());
        }
    }

    private static String said(byte[] body) {
        try {
            return Json.parseText(body);
        } catch (ApiError e) {
            return "an answer that no member gives";
        }
    }

    /**
     * Whether the cluster has gone on without this member: asks all at once, and takes a yes of any of them, for a removal is never taken
     * back. Who cannot be reached within a second says nothing.
     *
     * @param members client URLs
     * @return what it was told, empty if nobody says so
     */
    public Optional<String> goneAccordingTo(Collection<String> members, MemberIdentity self) {
        List<CompletableFuture<Optional<String>>> answers =
                members.stream().map(url -> standing(url, self)).toList();
        return answers.stream()
                .map(CompletableFuture::join)
                .flatMap(Optional::stream)
                .findFirst();
    }

    private CompletableFuture<Optional<String>> standing(String url, MemberIdentity self) {
        HttpRequest request;
        try {
            request = HttpRequest.newBuilder(
                            URI.create(url + PdApi.PREFIX + "/members/id/" + self.id() + "?group=" + self.groupId()))
                    .timeout(STANDING_TIMEOUT)
                    .build();
        } catch (IllegalArgumentException e) {
            return CompletableFuture.completedFuture(Optional.empty());
        }
        return client.sendAsync(request, BodyHandlers.ofByteArray())
                .handle((answer, failure) -> failure == null && answer.statusCode() == 410
                        ? Optional.of(said(answer.body()))
                        : Optional.<String>empty());
    }
}
