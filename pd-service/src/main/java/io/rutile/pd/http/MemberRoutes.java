package io.rutile.pd.http;

import static io.rutile.pd.http.Route.anywhere;
import static io.rutile.pd.http.Route.change;

import io.rutile.pd.leader.LeaderTerm;
import io.rutile.pd.meta.MetaOutcome;
import io.rutile.pd.meta.PdMember;
import io.rutile.protocol.pdpb.Member;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
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
                change("POST", "/members", this::admit),
                anywhere("GET", "/members/id/{id}", this::standing),
                change("DELETE", "/members/id/{id}", this::removeById),
                change("DELETE", "/members/name/{name}", this::removeByName),
                change("POST", "/leader/resign", this::resign),
                change("POST", "/leader/transfer/{name}", this::transfer));
    }

    private HttpAnswer members(Request request) {
        ObjectNode answer = Json.object();
        answer.putObject("header").put("cluster_id", member.clusterId());
        ArrayNode members = answer.putArray("members");
        member.admitted().forEach(each -> members.add(listed(each)));
        member.leader().ifPresent(leader -> {
            answer.set("leader", MemberJson.member(leader));
            answer.set("etcd_leader", MemberJson.member(leader));
        });
        return HttpAnswer.ok(answer);
    }

    private ObjectNode listed(Member each) {
        ObjectNode node = MemberJson.member(each);
        if (!member.votes(each.getMemberId())) {
            node.put("is_learner", true);
        }
        return node;
    }

    /** A process asks to be a member. */
    private CompletableFuture<HttpAnswer> admit(Request request) {
        ObjectNode asked = request.body();
        long incarnation = MemberJson.incarnation(asked);
        Member joining = MemberJson.asked(asked);
        return request.term().membership().admit(incarnation, joining).thenApply(outcome -> {
            if (!(Decisions.accepted(outcome) instanceof MetaOutcome.Applied admitted)) {
                throw new IllegalStateException("a member without id: " + outcome);
            }
            return HttpAnswer.ok(MemberJson.takenIn(admitted.value(), member));
        });
    }

    /** How a member stands, for itself: after it was away it asks whether it still is one. */
    private HttpAnswer standing(Request request) {
        long id = request.id("id");
        Optional<String> group = request.query("group");
        if (group.isPresent()
                && !group.get().equals(Long.toString(member.identity().groupId()))) {
            throw ApiError.notFound("this is a member of another cluster");
        }
        if (member.isGone(id)) {
            throw ApiError.gone(PdMember.goneWords(id));
        }
        return member.admitted().stream()
                .filter(each -> each.getMemberId() == id)
                .findFirst()
                .map(each -> HttpAnswer.ok(listed(each)))
                .orElseThrow(() -> ApiError.notFound("member " + id + " is not known"));
    }

    private CompletableFuture<HttpAnswer> removeById(Request request) {
        return remove(request.term(), request.id("id"));
    }

    private CompletableFuture<HttpAnswer> removeByName(Request request) {
        String name = request.text("name");
        LeaderTerm term = request.term();
        List<Long> ids = new ArrayList<>(member.group());
        member.admitted().forEach(each -> ids.add(each.getMemberId()));
        long id = ids.stream()
                .filter(each ->
                        member.directory().name(each).filter(name::equals).isPresent())
                .findFirst()
                .orElseThrow(() -> ApiError.notFound("no member is called '" + Request.shown(name) + "'"));
        return remove(term, id);
    }

    private CompletableFuture<HttpAnswer> remove(LeaderTerm term, long id) {
        if (id == member.self().getMemberId()) {
            return leaveTo(term, id);
        }
        return term.membership().remove(id).thenApply(outcome -> {
            Decisions.accepted(outcome);
            return HttpAnswer.said("member " + id + " is removed");
        });
    }

    /** The leader itself is to go: another one leads first, and decides it. */
    private CompletableFuture<HttpAnswer> leaveTo(LeaderTerm term, long id) {
        Optional<String> objection = term.membership().objectionToRemove(id);
        if (objection.isPresent()) {
            throw ApiError.refused(objection.get());
        }
        return toAnyOther(term).thenCompose(heir -> calls.removeAt(heir, id));
    }

    private HttpAnswer leader(Request request) {
        return HttpAnswer.ok(MemberJson.member(member.leader().orElseThrow(() -> ApiError.unavailable("no leader"))));
    }

    /** Whether each member answers to this one. */
    private CompletableFuture<HttpAnswer> health(Request request) {
        List<Member> all = member.admitted();
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

    private CompletableFuture<HttpAnswer> resign(Request request) {
        return toAnyOther(request.term()).thenApply(heir -> submitted());
    }

    /** To any other member that answers, which leads when this completes. */
    private CompletableFuture<Member> toAnyOther(LeaderTerm term) {
        List<Member> others = member.members().stream()
                .filter(other -> isAnother(other, term))
                .toList();
        List<CompletableFuture<Boolean>> alive =
                others.stream().map(calls::isAlive).toList();
        return CompletableFuture.allOf(alive.toArray(CompletableFuture[]::new)).thenCompose(done -> {
            for (int i = 0; i < others.size(); i++) {
                if (alive.get(i).join()) {
                    Member heir = others.get(i);
                    return term.transferLeader(heir.getMemberId()).thenApply(over -> heir);
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
        return term.transferLeader(to.getMemberId()).thenApply(done -> submitted());
    }

    private boolean isAnother(Member other, LeaderTerm term) {
        return other.getMemberId() != member.self().getMemberId()
                && term.voters().contains(other.getMemberId());
    }

    private static HttpAnswer submitted() {
        return HttpAnswer.said("The transfer command is submitted.");
    }
}
