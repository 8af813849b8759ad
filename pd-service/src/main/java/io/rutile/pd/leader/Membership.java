package io.rutile.pd.leader;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.pd.meta.MemberRecord;
import io.rutile.pd.meta.MetaException;
import io.rutile.pd.meta.MetaOutcome;
import io.rutile.pd.meta.MetaOutcome.Reason;
import io.rutile.pd.meta.MetaState;
import io.rutile.pd.meta.MetaStore;
import io.rutile.pd.meta.PdMember;
import io.rutile.protocol.pdpb.Member;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who is a member of PD, for one term. A decision is a record of the hard state first; then {@link #tick} changes the Raft group until it
 * has the members that the hard state wants, one member at a time and never below a majority (D2). Whichever leader comes next goes on.
 *
 * <pre>
 * admitted → learner → (answers) → voter                removed → (hands over if it leads) → out of the group
 * </pre>
 *
 * <p>Decisions come on any thread; {@code tick} belongs to the leadership thread.
 */
public final class Membership {

    private static final Logger log = LoggerFactory.getLogger(Membership.class);

    private final long term;
    private final MetaStore meta;
    private final PdMember self;
    private final MeterRegistry metrics;
    /** A decision is on its way into the log: the next one must see what came of it. */
    private final AtomicBoolean deciding = new AtomicBoolean();

    /** By member, who waits until it is out of the group; as many as there are calls that wait. */
    private final Map<Long, CompletableFuture<MetaOutcome>> leavings = new ConcurrentHashMap<>();

    private CompletableFuture<Void> change = CompletableFuture.completedFuture(null);

    Membership(long term, MetaStore meta, PdMember self, MeterRegistry metrics) {
        this.term = term;
        this.meta = meta;
        this.self = self;
        this.metrics = metrics;
    }

    /**
     * Decides that a member is taken in. The same incarnation again is answered the same; so who asks may ask until it is heard.
     *
     * @param member name and peer URL, client URLs if it knows them
     * @return its id, or why it is not taken in: {@code CONFLICT} if that may be otherwise in a moment
     */
    public CompletableFuture<MetaOutcome> admit(long incarnation, Member member) {
        return decide(
                () -> {
                    MetaState state = meta.state();
                    if (state.incarnations().memberOf(incarnation).isPresent()) {
                        return Optional.empty();
                    }
                    Set<Long> all = inGroup();
                    for (long id : all) {
                        if (!state.members().containsKey(id)
                                && self.directory()
                                        .name(id)
                                        .filter(member.getName()::equals)
                                        .isPresent()) {
                            return refusal(
                                    Reason.DUPLICATE_NAME,
                                    "a member is called " + member.getName() + " already, with id " + id
                                            + "; if its data is lost, remove it first, or choose another name");
                        }
                    }
                    return unfinished();
                },
                () -> new MemberRecord.AdmitMember(incarnation, greatestId(), member));
    }

    /**
     * Decides that a member leaves for good. It votes until a majority has it in the log that it does not: {@link #tick} does that, and
     * whoever stops the member before may stop the group.
     *
     * @return completes when it has no vote any more, or with why not: {@code CONFLICT} if that may be otherwise in a moment; fails if the
     *     term ends before, and then the next leader goes on
     */
    public CompletableFuture<MetaOutcome> remove(long memberId) {
        return decideRemoval(memberId)
                .thenCompose(outcome -> outcome instanceof MetaOutcome.Refused
                        ? CompletableFuture.completedFuture(outcome)
                        : leavings.computeIfAbsent(memberId, first -> new CompletableFuture<>()));
    }

    private CompletableFuture<MetaOutcome> decideRemoval(long memberId) {
        return decide(
                () -> {
                    Set<Long> voters = meta.log().voters();
                    boolean inGroup = inGroup().contains(memberId);
                    if (meta.state().incarnations().removed().contains(memberId)) {
                        return inGroup
                                ? Optional.empty()
                                : refusal(Reason.MEMBER_REMOVED, "member " + memberId + " was removed before");
                    }
                    if (!inGroup && !meta.state().members().containsKey(memberId)) {
                        return refusal(Reason.NOT_FOUND, "member " + memberId + " is not known");
                    }
                    if (!voters.contains(memberId)) {
                        return Optional.empty();
                    }
                    Optional<MetaOutcome> unfinished = unfinishedRemoval();
                    return unfinished.isPresent() ? unfinished : objectionToLose(memberId, voters);
                },
                () -> new MemberRecord.RemoveMember(memberId));
    }

    /** Why a member that votes must not be removed now, in words; empty if it may be. */
    public Optional<String> objectionToRemove(long memberId) {
        return objectionToLose(memberId, meta.log().voters())
                .map(objection -> ((MetaOutcome.Refused) objection).message());
    }

    private CompletableFuture<MetaOutcome> decide(
            Supplier<Optional<MetaOutcome>> refusal, Supplier<MemberRecord> record) {
        if (!deciding.compareAndSet(false, true)) {
            return CompletableFuture.completedFuture(underWay("another decision about members"));
        }
        CompletableFuture<MetaOutcome> decided;
        try {
            decided = refusal.get()
                    .map(CompletableFuture::completedFuture)
                    .orElseGet(() -> meta.propose(record.get(), term));
        } catch (RuntimeException e) {
            decided = CompletableFuture.failedFuture(e);
        }
        return decided.whenComplete((done, failure) -> deciding.set(false));
    }

    /** One member at a time: who was admitted before is in first. */
    private Optional<MetaOutcome> unfinished() {
        Set<Long> joining = new TreeSet<>(meta.state().members().keySet());
        joining.removeAll(meta.log().voters());
        return joining.isEmpty()
                ? unfinishedRemoval()
                : refusal(
                        Reason.CONFLICT,
                        "member " + joining.iterator().next()
                                + " has yet to catch up, and one member changes at a time; if it will never come, remove it");
    }

    private Optional<MetaOutcome> unfinishedRemoval() {
        Set<Long> leaving = leaving();
        return leaving.isEmpty()
                ? Optional.empty()
                : Optional.of(
                        underWay("the removal of member " + leaving.iterator().next()));
    }

    private Optional<MetaOutcome> objectionToLose(long memberId, Set<Long> voters) {
        Set<Long> left = new HashSet<>(voters);
        left.remove(memberId);
        if (left.isEmpty()) {
            return refusal(Reason.MEMBERS_NOT_ENOUGH, "member " + memberId + " is the last one");
        }
        Set<Long> answering = new HashSet<>(left);
        answering.retainAll(meta.log().reachable());
        return isMajority(answering, left)
                ? Optional.empty()
                : refusal(
                        Reason.MEMBERS_NOT_ENOUGH,
                        "without member " + memberId + " there would be no majority: of the members "
                                + new TreeSet<>(left) + " that would be left only " + new TreeSet<>(answering)
                                + " answer");
    }

    private static boolean isMajority(Set<Long> some, Set<Long> all) {
        return some.size() > all.size() / 2;
    }

    private static Optional<MetaOutcome> refusal(Reason reason, String message) {
        return Optional.of(new MetaOutcome.Refused(reason, message));
    }

    private static MetaOutcome underWay(String what) {
        return new MetaOutcome.Refused(Reason.CONFLICT, what + " is under way; one member changes at a time");
    }

    private Set<Long> inGroup() {
        Set<Long> all = new TreeSet<>(meta.log().voters());
        all.addAll(meta.log().learners());
        return all;
    }

    /** Removed, and still in the group. */
    private Set<Long> leaving() {
        Set<Long> leaving = inGroup();
        leaving.retainAll(meta.state().incarnations().removed());
        return leaving;
    }

    /** Of all that the group ever had, as far as this member can know: nobody who joins gets an id at or below it. */
    private long greatestId() {
        long greatest = self.directory().greatestId();
        for (long id : inGroup()) {
            greatest = Math.max(greatest, id);
        }
        return greatest;
    }

    /** Takes the next step to where the group has the members that the hard state wants, unless one is being taken. */
    void tick() {
        if (!change.isDone() || !meta.log().leads(term)) {
            return;
        }
        Set<Long> voters = meta.log().voters();
        Set<Long> learners = meta.log().learners();
        Set<Long> leaving = leaving();
        for (Map.Entry<Long, CompletableFuture<MetaOutcome>> waiting : leavings.entrySet()) {
            if (!leaving.contains(waiting.getKey())) {
                leavings.remove(waiting.getKey());
                waiting.getValue().complete(MetaOutcome.DONE);
            }
        }
        if (!leaving.isEmpty()) {
            takeOut(leaving.iterator().next(), voters, learners);
            return;
        }
        Set<Long> wanted = new TreeSet<>(meta.state().members().keySet());
        wanted.removeAll(voters);
        if (!wanted.isEmpty()) {
            takeIn(wanted.iterator().next(), voters, learners);
        }
    }

    private void takeOut(long memberId, Set<Long> voters, Set<Long> learners) {
        if (memberId == self.self().getMemberId()) {
            handOver(memberId, voters);
            return;
        }
        // Looked at again: it may be a while since it was decided, and by another leader.
        if (voters.contains(memberId) && objectionToLose(memberId, voters).isPresent()) {
            log.info("removal waits for a majority of those that stay member={}", memberId);
            return;
        }
        begin("removed", memberId, without(voters, memberId), without(learners, memberId));
    }

    private void handOver(long memberId, Set<Long> voters) {
        Set<Long> heirs = new TreeSet<>(without(voters, memberId));
        heirs.retainAll(meta.log().reachable());
        heirs.removeAll(meta.state().incarnations().removed());
        if (heirs.isEmpty()) {
            log.info("this member is to leave, and nobody answers that could lead");
            return;
        }
        long heir = heirs.iterator().next();
        log.info("this member is to leave and hands over heir={}", heir);
        change = meta.log()
                .transferLeader(heir)
                .whenComplete((done, failure) -> noteFailure("handed over", heir, failure));
    }

    /** A learner costs nobody a vote while it catches up, or never comes; who answers gets its vote. */
    private void takeIn(long memberId, Set<Long> voters, Set<Long> learners) {
        if (!learners.contains(memberId)) {
            begin("learner", memberId, voters, with(learners, memberId));
            return;
        }
        Set<Long> reachable = meta.log().reachable();
        Set<Long> after = with(voters, memberId);
        Set<Long> answering = new HashSet<>(after);
        answering.retainAll(reachable);
        if (reachable.contains(memberId) && isMajority(answering, after)) {
            begin("voter", memberId, after, without(learners, memberId));
        }
    }

    /** The term is over. */
    void close() {
        leavings.values()
                .forEach(waiting -> waiting.completeExceptionally(
                        new MetaException(MetaException.Kind.NOT_LEADER, "term " + term + " is over")));
    }

    private void begin(String what, long memberId, Set<Long> voters, Set<Long> learners) {
        log.info("membership changes member={} to={} voters={} learners={}", memberId, what, voters, learners);
        change = meta.log().changeMembers(voters, learners).whenComplete((done, failure) -> {
            noteFailure(what, memberId, failure);
            Counter.builder("kv.pd.members.changes")
                    .description("Changes of PD's Raft group by what a member was to become, and whether it did")
                    .tag("to", what)
                    .tag("outcome", failure == null ? "done" : "failed")
                    .register(metrics)
                    .increment();
            if (failure == null) {
                log.info("membership changed member={} is={}", memberId, what);
            }
        });
    }

    /** The next tick tries again for as long as the term lasts. */
    private static void noteFailure(String what, long memberId, @Nullable Throwable failure) {
        if (failure != null) {
            Throwable cause =
                    failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
            log.info(
                    "membership not changed member={} to={} cause={}",
                    memberId,
                    what,
                    cause instanceof MetaException ? cause.getMessage() : cause.toString());
        }
    }

    private static Set<Long> with(Set<Long> ids, long id) {
        Set<Long> more = new TreeSet<>(ids);
        more.add(id);
        return more;
    }

    private static Set<Long> without(Set<Long> ids, long id) {
        Set<Long> fewer = new TreeSet<>(ids);
        fewer.remove(id);
        return fewer;
    }
}
