package io.rutile.pd.http;

import io.rutile.pd.meta.InitialCluster;
import io.rutile.pd.meta.MemberDirectory;
import io.rutile.pd.meta.MemberIdentity;
import io.rutile.pd.meta.PdMember;
import io.rutile.protocol.pdpb.Member;
import java.util.TreeSet;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Members as tools read them, and what a process that would be one asks and is told. */
final class MemberJson {

    private static final int URLS_MAX = 8;
    private static final int URL_LENGTH_MAX = 512;

    private MemberJson() {}

    static ObjectNode member(Member member) {
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

    static ObjectNode asking(Member self, long incarnation) {
        ObjectNode node = Json.object();
        node.put("name", self.getName());
        // As a text, for not everybody's numbers have 63 bits.
        node.put("incarnation", Long.toString(incarnation));
        ArrayNode peerUrls = node.putArray("peer_urls");
        self.getPeerUrlsList().forEach(peerUrls::add);
        ArrayNode clientUrls = node.putArray("client_urls");
        self.getClientUrlsList().forEach(clientUrls::add);
        return node;
    }

    /** @throws ApiError 400 if it is not what {@link #asking} makes */
    static long incarnation(ObjectNode asked) {
        JsonNode said = asked.get("incarnation");
        try {
            long incarnation = said == null || !said.isString() ? 0 : Long.parseLong(said.asString());
            if (incarnation > 0) {
                return incarnation;
            }
        } catch (NumberFormatException e) {
            throw ApiError.badRequest("incarnation must be a positive number, as a text");
        }
        throw ApiError.badRequest("incarnation must be a positive number, as a text");
    }

    /** @throws ApiError 400 if it is not what {@link #asking} makes */
    static Member asked(ObjectNode asked) {
        JsonNode name = asked.get("name");
        if (name == null || !name.isString() || !MemberIdentity.isName(name.asString())) {
            throw ApiError.badRequest(
                    "name must have 1 to 64 letters, digits, '-', '_' or '.', and begin and end with a letter or digit");
        }
        Member.Builder member = Member.newBuilder().setName(name.asString());
        addUrls(asked, "peer_urls", 1, member);
        addUrls(asked, "client_urls", 0, member);
        return member.build();
    }

    private static void addUrls(ObjectNode asked, String field, int min, Member.Builder to) {
        ArrayNode urls = asked.get(field) instanceof ArrayNode array ? array : Json.array();
        int count = urls.size();
        if (count < min || count > URLS_MAX) {
            throw ApiError.badRequest(field + " must have " + min + " to " + URLS_MAX + " URLs");
        }
        for (int i = 0; i < count; i++) {
            String url = urls.get(i).asString("");
            if (url.length() > URL_LENGTH_MAX
                    || MemberDirectory.addressOf(url)
                            .filter(address -> url.equals("http://" + address) || url.equals("https://" + address))
                            .isEmpty()) {
                throw ApiError.badRequest(field + " must be of the form http://host:port or https://host:port");
            }
            if (field.equals("peer_urls")) {
                to.addPeerUrls(url);
            } else {
                to.addClientUrls(url);
            }
        }
    }

    /** What a process needs to be a member: its id, the group's, and where the others are. */
    static ObjectNode takenIn(long memberId, PdMember self) {
        ObjectNode node = Json.object();
        node.put("member_id", memberId);
        node.put("cluster_id", self.clusterId());
        node.put("group_id", Long.toString(self.identity().groupId()));
        ArrayNode members = node.putArray("members");
        TreeSet<Long> ids = new TreeSet<>(self.group());
        ids.add(memberId);
        for (long id : ids) {
            self.directory().entry(id).ifPresent(entry -> members.add(known(id, entry)));
        }
        return node;
    }

    private static ObjectNode known(long id, InitialCluster.Entry entry) {
        return Json.object().put("member_id", id).put("name", entry.name()).put("raft_address", entry.raftAddress());
    }
}
