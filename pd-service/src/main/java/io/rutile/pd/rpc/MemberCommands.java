package io.rutile.pd.rpc;

import io.rutile.pd.meta.PdMember;
import io.rutile.protocol.pdpb.GetClusterInfoResponse;
import io.rutile.protocol.pdpb.GetMembersResponse;
import io.rutile.protocol.pdpb.ServiceMode;

/** Who is in the group: answered by every member, so that clients find the leader from any of them. */
final class MemberCommands {

    private final PdMember member;

    MemberCommands(PdMember member) {
        this.member = member;
    }

    GetMembersResponse.Builder members() {
        GetMembersResponse.Builder response = GetMembersResponse.newBuilder().addAllMembers(member.members());
        member.leader().ifPresent(leader -> response.setLeader(leader).setEtcdLeader(leader));
        return response;
    }

    /** One service does everything here: nobody should go looking for a TSO service of its own. */
    GetClusterInfoResponse.Builder clusterInfo() {
        return GetClusterInfoResponse.newBuilder().addServiceModes(ServiceMode.PD_SVC_MODE);
    }
}
