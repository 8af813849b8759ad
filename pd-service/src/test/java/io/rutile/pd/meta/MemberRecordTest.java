package io.rutile.pd.meta;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.pd.meta.MemberRecord.AdmitMember;
import io.rutile.pd.meta.MemberRecord.IdentifyMember;
import io.rutile.pd.meta.MemberRecord.RemoveMember;
import io.rutile.pd.meta.MetaOutcome.Applied;
import io.rutile.pd.meta.MetaOutcome.Reason;
import io.rutile.pd.meta.MetaOutcome.Refused;
import io.rutile.protocol.pdpb.Member;
import org.junit.jupiter.api.Test;

/** R3: who is a member is a matter of the data directory, not of the name. */
class MemberRecordTest {

    private MetaState state = MetaState.EMPTY;

    @Test
    void idsGoUpAndNoneIsGivenTwice() {
        assertThat(apply(new AdmitMember(11, 3, member("a", 0)))).isEqualTo(new Applied(4));
        assertThat(apply(new AdmitMember(12, 0, member("b", 0)))).isEqualTo(new Applied(5));
        apply(new RemoveMember(5));
        assertThat(apply(new AdmitMember(13, 0, member("b", 0)))).isEqualTo(new Applied(6));
        assertThat(apply(new AdmitMember(11, 9, member("a", 0)))).as("again").isEqualTo(new Applied(4));
        assertThat(state.members()).containsOnlyKeys(4L, 6L);
    }

    @Test
    void nameOrAddressOfAnotherIsRefused() {
        apply(new AdmitMember(11, 3, member("a", 0)));

        assertThat(reason(new AdmitMember(12, 3, member("a", 0)))).isEqualTo(Reason.DUPLICATE_NAME);
        Member sameAddress = member("b", 0).toBuilder()
                .setPeerUrls(0, member("a", 0).getPeerUrls(0))
                .build();
        assertThat(reason(new AdmitMember(12, 3, sameAddress))).isEqualTo(Reason.DUPLICATE_ADDRESS);
    }

    @Test
    void membersAreBounded() {
        for (int i = 0; i < MemberRecord.MEMBERS_MAX; i++) {
            assertThat(apply(new AdmitMember(i + 1, 0, member("m" + i, 0)))).isInstanceOf(Applied.class);
        }

        assertThat(reason(new AdmitMember(100, 0, member("one-more", 0)))).isEqualTo(Reason.EXHAUSTED);
    }

    @Test
    void removedMemberNeverComesBack() {
        apply(new IdentifyMember(11, member("a", 1)));
        apply(new RemoveMember(1));
        apply(new RemoveMember(1));

        assertThat(state.members()).isEmpty();
        assertThat(reason(new IdentifyMember(11, member("a", 1)))).isEqualTo(Reason.MEMBER_REMOVED);
        assertThat(reason(new AdmitMember(11, 3, member("a", 0)))).isEqualTo(Reason.MEMBER_REMOVED);
        apply(new MetaRecord.AnnounceMember(member("a", 1)));
        assertThat(state.members()).as("nor by the record of an older version").isEmpty();
    }

    @Test
    void otherDirectoryIsAnotherMember() {
        apply(new MetaRecord.AnnounceMember(member("a", 1)));
        assertThat(apply(new IdentifyMember(11, member("a", 1))))
                .as("the first that is said")
                .isEqualTo(MetaOutcome.DONE);

        assertThat(reason(new IdentifyMember(12, member("a", 1)))).isEqualTo(Reason.MEMBER_REPLACED);
        assertThat(apply(new IdentifyMember(11, member("a", 1)))).isEqualTo(MetaOutcome.DONE);
    }

    private MetaOutcome apply(MetaRecord record) {
        MetaRecord.Transition transition = record.applyTo(state);
        state = transition.state();
        return transition.outcome();
    }

    private Reason reason(MetaRecord record) {
        MetaState before = state;
        MetaOutcome outcome = apply(record);
        assertThat(state).as("a refusal changes nothing").isSameAs(before);
        assertThat(outcome).isInstanceOf(Refused.class);
        return ((Refused) outcome).reason();
    }

    private static Member member(String name, long id) {
        return Member.newBuilder()
                .setName(name)
                .setMemberId(id)
                .addPeerUrls("http://" + name + ".example:2380")
                .build();
    }
}
