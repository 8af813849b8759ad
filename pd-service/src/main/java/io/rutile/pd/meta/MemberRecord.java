package io.rutile.pd.meta;

import io.rutile.pd.meta.MetaOutcome.Reason;
import io.rutile.protocol.pdpb.Member;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;

/**
 * Decisions about the members of PD itself: who is admitted, who is removed, who is who (R3). They say who <em>shall</em> be a member; who
 * votes is for the Raft group, which the leader changes accordingly, one member at a time.
 *
 * <pre>
 * record := type (1) body            docs/formats/pd-meta.md
 * </pre>
 */
public sealed interface MemberRecord extends MetaRecord {

    /** Members at once, those included that have yet to catch up. More cost every write a round to more of them. */
    int MEMBERS_MAX = 9;

    /**
     * A new member is to be taken in; answers its id. Repeated with the same incarnation it answers the same id.
     *
     * @param incarnation of its data directory, positive
     * @param floorId its id is above this: that of the last member that the group began with
     * @param member name and peer URL, client URLs if it knows them already; its id is nobody's yet
     */
    record AdmitMember(long incarnation, long floorId, Member member) implements MemberRecord {

        static final byte TYPE = 0x30;

        public AdmitMember {
            if (incarnation <= 0 || floorId < 0) {
                throw new IllegalArgumentException("incarnation " + incarnation + ", ids above " + floorId);
            }
            if (member.getName().isEmpty() || member.getPeerUrlsCount() == 0) {
                throw new IllegalArgumentException("a member needs a name and a peer URL");
            }
        }

        @Override
        public Transition applyTo(MetaState state) {
            Incarnations incarnations = state.incarnations();
            Long known = incarnations.memberOf(incarnation).orElse(null);
            if (known != null) {
                return incarnations.removed().contains(known)
                        ? removed(state, known)
                        : new Transition(state, new MetaOutcome.Applied(known));
            }
            for (Member other : state.members().values()) {
                if (other.getName().equals(member.getName())) {
                    return Transition.refused(
                            state,
                            Reason.DUPLICATE_NAME,
                            "a member is called " + member.getName() + " already, with id " + other.getMemberId()
                                    + "; if its data is lost, remove it first, or choose another name");
                }
                if (other.getPeerUrlsList().contains(member.getPeerUrls(0))) {
                    return Transition.refused(
                            state,
                            Reason.DUPLICATE_ADDRESS,
                            "member " + other.getName() + " has the peer URL " + member.getPeerUrls(0) + " already");
                }
            }
            if (state.members().size() >= MEMBERS_MAX) {
                return Transition.refused(
                        state, Reason.EXHAUSTED, "there are " + MEMBERS_MAX + " members, more are not taken in");
            }
            long id = Math.max(floorId, incarnations.lastId()) + 1;
            MetaState next = state.withMember(member.toBuilder().setMemberId(id).build())
                    .withIncarnations(incarnations.withAdmitted(id, incarnation));
            return new Transition(next, new MetaOutcome.Applied(id));
        }

        @Override
        public void writeTo(DataOutputStream out) throws IOException {
            out.writeLong(incarnation);
            out.writeLong(floorId);
            out.write(member.toByteArray());
        }

        @Override
        public byte type() {
            return TYPE;
        }
    }

    /** The member is to leave and never comes back under this id. Repeated it changes nothing. */
    record RemoveMember(long memberId) implements MemberRecord {

        static final byte TYPE = 0x31;

        public RemoveMember {
            if (memberId <= 0) {
                throw new IllegalArgumentException("member id must be positive: " + memberId);
            }
        }

        @Override
        public Transition applyTo(MetaState state) {
            if (state.incarnations().removed().contains(memberId)) {
                return Transition.done(state);
            }
            return Transition.done(state.withoutMember(memberId)
                    .withIncarnations(state.incarnations().withRemoved(memberId)));
        }

        @Override
        public void writeTo(DataOutputStream out) throws IOException {
            out.writeLong(memberId);
        }

        @Override
        public byte type() {
            return TYPE;
        }
    }

    /** A member says who it is, where clients find it, and which data directory it has. */
    record IdentifyMember(long incarnation, Member member) implements MemberRecord {

        static final byte TYPE = 0x32;

        public IdentifyMember {
            if (incarnation <= 0 || member.getMemberId() <= 0) {
                throw new IllegalArgumentException("incarnation " + incarnation + ", id " + member.getMemberId());
            }
        }

        @Override
        public Transition applyTo(MetaState state) {
            long id = member.getMemberId();
            if (state.incarnations().removed().contains(id)) {
                return removed(state, id);
            }
            if (state.incarnations().isAnother(id, incarnation)) {
                return Transition.refused(
                        state,
                        Reason.MEMBER_REPLACED,
                        "member " + member.getName() + " (id " + id
                                + ") comes with another data directory than it had: it has "
                                + "forgotten what it voted; remove it, and let it join anew");
            }
            return Transition.done(state.withMember(member)
                    .withIncarnations(state.incarnations().with(id, incarnation)));
        }

        @Override
        public void writeTo(DataOutputStream out) throws IOException {
            out.writeLong(incarnation);
            out.write(member.toByteArray());
        }

        @Override
        public byte type() {
            return TYPE;
        }
    }

    /** The record whose body follows. */
    static MemberRecord read(byte type, DataInputStream in) throws IOException {
        return switch (type) {
            case AdmitMember.TYPE -> new AdmitMember(in.readLong(), in.readLong(), Member.parseFrom(in));
            case RemoveMember.TYPE -> new RemoveMember(in.readLong());
            case IdentifyMember.TYPE -> new IdentifyMember(in.readLong(), Member.parseFrom(in));
            default -> throw new IOException("no record about members has the type " + type);
        };
    }

    private static Transition removed(MetaState state, long memberId) {
        return Transition.refused(state, Reason.MEMBER_REMOVED, removedWords(memberId));
    }

    /** What a member that was removed is told. */
    static String removedWords(long memberId) {
        return "member " + memberId + " was removed from the cluster and must not come back; "
                + "start it on an empty directory with rutile.pd.join, and it gets an id of its own";
    }
}
