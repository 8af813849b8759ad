package io.rutile.pd.leader;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.pd.meta.LocalMeta;
import io.rutile.pd.meta.MemberRecord;
import io.rutile.pd.meta.MetaOutcome;
import io.rutile.pd.meta.MetaOutcome.Applied;
import io.rutile.pd.meta.MetaOutcome.Reason;
import io.rutile.pd.meta.MetaOutcome.Refused;
import io.rutile.protocol.pdpb.Member;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is decided about members, and how the group follows, step by step; member 1 of a group that began with 1 and 2 leads. */
class MembershipTest {

    @TempDir
    Path directory;

    private LocalMeta meta;
    private Membership membership;

    @BeforeEach
    void lead() {
        meta = LocalMeta.in(directory);
        meta.propose(new MemberRecord.IdentifyMember(7, member(1)));
        meta.propose(new MemberRecord.IdentifyMember(8, member(2)));
        membership = membership();
    }

    @Test
    void admittedMemberLearnsAndVotesOnceItAnswersD2() {
        assertThat(admit(9, "pd-3")).isEqualTo(new Applied(3));
        assertThat(meta.log().learners()).isEmpty();

        membership.tick();
        assertThat(meta.log().learners()).containsExactly(3L);
        membership.tick();
        assertThat(meta.log().voters()).as("it has not answered yet").containsExactlyInAnyOrder(1L, 2L);

        meta.log().answering(1L, 3L);
        membership.tick();
        assertThat(meta.log().voters()).containsExactlyInAnyOrder(1L, 2L, 3L);
        assertThat(meta.log().learners()).isEmpty();
    }

    @Test
    void newVoterMustNotCostTheMajorityD2() {
        admit(9, "pd-3");
        membership.tick();
        // Three of which one answers: of two it would have been a majority no less, but it could not commit.
        meta.log().answering(3L);
        membership.tick();

        assertThat(meta.log().voters()).containsExactlyInAnyOrder(1L, 2L);
    }

    @Test
    void sameIncarnationIsAnsweredTheSameAndNobodyElseComesInBetween() {
        admit(9, "pd-3");

        assertThat(admit(9, "pd-3")).isEqualTo(new Applied(3));
        assertThat(admit(10, "pd-4"))
                .isInstanceOf(Refused.class)
                .extracting("reason")
                .isEqualTo(Reason.CONFLICT);
        assertThat(admit(10, "pd-3")).extracting("reason").isEqualTo(Reason.CONFLICT);
    }

    @Test
    void nextLeaderGoesOnWhereTheLastOneStopped() {
        admit(9, "pd-3");
        meta.log().elect();
        Membership next = membership();
        membership.tick();
        assertThat(meta.log().learners()).as("of an old term").isEmpty();

        meta.log().answering(1L, 2L, 3L);
        next.tick();
        next.tick();

        assertThat(meta.log().voters()).containsExactlyInAnyOrder(1L, 2L, 3L);
    }

    @Test
    void removalIsDoneWhenTheMemberHasNoVote() {
        becomeThree();

        CompletableFuture<MetaOutcome> removed = membership.remove(2);
        assertThat(removed).isNotDone();
        assertThat(meta.state().members().keySet())
                .as("clients are told at once")
                .containsExactly(1L, 3L);
        membership.tick();
        assertThat(meta.log().voters()).containsExactlyInAnyOrder(1L, 3L);
        membership.tick();

        assertThat(removed.join()).isEqualTo(MetaOutcome.DONE);
        assertThat(membership.remove(2).join()).extracting("reason").isEqualTo(Reason.MEMBER_REMOVED);
        assertThat(membership.remove(5).join()).extracting("reason").isEqualTo(Reason.NOT_FOUND);
        assertThat(admit(8, "pd-2"))
                .as("the incarnation of one that was removed")
                .extracting("reason")
                .isEqualTo(Reason.MEMBER_REMOVED);
        assertThat(admit(11, "pd-2"))
                .as("under its old name, with an empty disk")
                .isEqualTo(new Applied(4));
    }

    @Test
    void removalThatWouldLeaveNoMajorityIsRefusedD2() {
        becomeThree();
        meta.log().answering(1L, 2L);

        assertThat(membership.remove(2).join()).extracting("reason").isEqualTo(Reason.MEMBERS_NOT_ENOUGH);
        CompletableFuture<MetaOutcome> silent = membership.remove(3);
        membership.tick();
        membership.tick();
        assertThat(silent.join()).as("the one that is silent").isEqualTo(MetaOutcome.DONE);
        membership.remove(2);
        membership.tick();
        membership.tick();

        assertThat(membership.remove(1).join())
                .isInstanceOf(Refused.class)
                .extracting("message")
                .asString()
                .contains("is the last one");
    }

    @Test
    void removalWaitsWhileItWouldCostTheMajorityD2() {
        becomeThree();
        CompletableFuture<MetaOutcome> removed = membership.remove(2);
        meta.log().answering(1L, 2L);

        membership.tick();
        assertThat(meta.log().voters()).as("3 has fallen silent meanwhile").containsExactlyInAnyOrder(1L, 2L, 3L);

        meta.log().answering(1L, 3L);
        membership.tick();
        membership.tick();
        assertThat(removed).isCompleted();
    }

    @Test
    void memberThatNeverCameCanBeRemovedAndAnotherJoins() {
        admit(9, "pd-3");
        membership.tick();

        CompletableFuture<MetaOutcome> removed = membership.remove(3);
        membership.tick();
        membership.tick();

        assertThat(removed.join()).isEqualTo(MetaOutcome.DONE);
        assertThat(meta.log().learners()).isEmpty();
        assertThat(admit(10, "pd-3")).isEqualTo(new Applied(4));
    }

    @Test
    void leaderThatWasRemovedHandsOver() {
        becomeThree();
        meta.propose(new MemberRecord.RemoveMember(1));

        membership.tick();

        assertThat(meta.log().leaderId()).isEqualTo(2);
        assertThat(meta.log().voters()).as("the next leader takes it out").contains(1L);
    }

    @Test
    void whoeverWaitsHearsThatTheTermIsOver() {
        becomeThree();
        CompletableFuture<MetaOutcome> removed = membership.remove(2);

        membership.close();

        assertThat(removed).isCompletedExceptionally();
    }

    private void becomeThree() {
        admit(9, "pd-3");
        meta.log().answering(1L, 2L, 3L);
        membership.tick();
        membership.tick();
        assertThat(meta.log().voters()).isEqualTo(Set.of(1L, 2L, 3L));
    }

    private MetaOutcome admit(long incarnation, String name) {
        return membership
                .admit(
                        incarnation,
                        Member.newBuilder()
                                .setName(name)
                                .addPeerUrls("http://127.0.0.1:" + (100 + incarnation))
                                .build())
                .join();
    }

    private Membership membership() {
        return new Membership(meta.log().term(), meta.store(), meta.member(() -> member(1)), new SimpleMeterRegistry());
    }

    private static Member member(long id) {
        return Member.newBuilder()
                .setMemberId(id)
                .setName("pd-" + id)
                .addPeerUrls("http://127.0.0.1:" + id)
                .addClientUrls("http://127.0.0.1:" + (20 + id))
                .build();
    }
}
