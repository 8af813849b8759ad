package io.rutile.pd.http;

import static io.rutile.pd.http.Route.anywhere;
import static io.rutile.pd.http.Route.change;

import io.rutile.pd.leader.LeaderTerm;
import io.rutile.pd.meta.PdMember;
import io.rutile.protocol.pdpb.Member;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Members of PD: who they are, who leads, who answers. */
final class MemberRoutes {

    private final PdMember member;
    private final MemberCalls calls;

    MemberRoutes(PdMember member, MemberCalls calls) {
        this.member = member;
        this.calls = calls;
    }

    List<Route> routes() {
        return List.of(
                anywhere("GET", "/members", this::members),
                anywhere("GET", "/leader", this::leader),
                new Route("GET", "/health", Route.ServedBy.ANY_MEMBER, this::health),
                change("POST", "/leader/resign", this::resign),
                change("POST", "/leader/transfer/{name}", this::transfer));
    }

    private HttpAnswer members(Request request) {
        ObjectNode answer = Json.object();
        answer.putObject("header").put("cluster_id", member.clusterId());
        ArrayNode members = answer.putArray("members");
        member.members().forEach(each -> members.add(json(each)));
        member.leader().ifPresent(leader -> {
            answer.set("leader", json(leader));
            answer.set("etcd_leader", json(leader));
        });
        return HttpAnswer.ok(answer);
    }

    private HttpAnswer leader(Request request) {
        return HttpAnswer.ok(json(member.leader().orElseThrow(() -> ApiError.unavailable("no leader"))));
    }

    /** Whether each member answers to this one. */
    private CompletableFuture<HttpAnswer> health(Request request) {
        List<Member> all = member.members();
        List<CompletableFuture<Boolean>> alive =
                all.stream().map(calls::isAlive).toList();
        return CompletableFuture.allOf(alive.toArray(CompletableFuture[]::new)).thenApply(done -> {
            ArrayNode answer = Json.array();
            for (int i = 0; i < all.size(); i++) {
                ObjectNode entry = answer.addObject();
                entry.put("name", all.get(i).getName());
                entry.put("member_id", all.get(i).getMemberId());
                ArrayNode urls = entry.putArray("client_urls");
                all.get(i).getClientUrlsList().forEach(urls::add);
                entry.put("health", alive.get(i).join());
            }
            return HttpAnswer.ok(answer);
        });
    }

    /** To any other member that answers. */
    private CompletableFuture<HttpAnswer> resign(Request request) {
        LeaderTerm term = request.term();
        List<Member> others = member.members().stream()
                .filter(other -> isAnother(other, term))
                .toList();
        List<CompletableFuture<Boolean>> alive =
                others.stream().map(calls::isAlive).toList();
        return CompletableFuture.allOf(alive.toArray(CompletableFuture[]::new)).thenCompose(done -> {
            for (int i = 0; i < others.size(); i++) {
                if (alive.get(i).join()) {
                    return handOver(term, others.get(i));
                }
            }
            throw ApiError.refused("no other member answers that could lead");
        });
    }

    private CompletableFuture<HttpAnswer> transfer(Request request) {
        String name = request.text("name");
        LeaderTerm term = request.term();
        Member to = member.members().stream()
                .filter(each -> each.getName().equals(name))
                .findFirst()
                .orElseThrow(() -> ApiError.notFound("no member is called '" + Request.shown(name) + "'"));
        if (!isAnother(to, term)) {
            throw ApiError.badRequest("member " + to.getName() + " leads already, or does not vote");
        }
        return handOver(term, to);
    }

    private boolean isAnother(Member other, LeaderTerm term) {
        return other.getMemberId() != member.self().getMemberId()
                && term.voters().contains(other.getMemberId());
    }

    private static CompletableFuture<HttpAnswer> handOver(LeaderTerm term, Member to) {
        return term.transferLeader(to.getMemberId())
                .thenApply(done -> HttpAnswer.said("The transfer command is submitted."));
    }

    private static ObjectNode json(Member member) {
        ObjectNode node = Json.object();
        node.put("name", member.getName());
        node.put("member_id", member.getMemberId());
        ArrayNode peerUrls = node.putArray("peer_urls");
        member.getPeerUrlsList().forEach(peerUrls::add);
        ArrayNode clientUrls = node.putArray("client_urls");
        member.getClientUrlsList().forEach(clientUrls::add);
        if (!member.getDeployPath().isEmpty()) {
            node.put("deploy_path", member.getDeployPath());
        }
        if (!member.getBinaryVersion().isEmpty()) {
            node.put("binary_version", member.getBinaryVersion());
        }
        if (!member.getGitHash().isEmpty()) {
            node.put("git_hash", member.getGitHash());
        }
        return node;
    }
}
