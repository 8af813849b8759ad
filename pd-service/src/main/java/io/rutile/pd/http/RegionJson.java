package io.rutile.pd.http;

import io.rutile.pd.cluster.RegionInfo;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import io.rutile.protocol.pdpb.PeerStats;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Regions and their peers, with the names that tools read. */
final class RegionJson {

    private static final HexFormat HEX = HexFormat.of().withUpperCase();

    private RegionJson() {}

    /**
     * A list as tools expect it.
     *
     * @param count of all that there are, of which {@code regions} may be the first
     */
    static ObjectNode list(int count, List<RegionInfo> regions) {
        ObjectNode list = Json.object();
        list.put("count", count);
        ArrayNode array = list.putArray("regions");
        regions.forEach(region -> array.add(region(region)));
        return list;
    }

    static ObjectNode region(RegionInfo info) {
        ObjectNode region = Json.object();
        region.put("id", info.id());
        region.put("start_key", hex(info.startKey()));
        region.put("end_key", hex(info.range().end()));
        region.putObject("epoch")
                .put("conf_ver", info.epoch().getConfVer())
                .put("version", info.epoch().getVersion());
        ArrayNode peers = region.putArray("peers");
        info.peers().forEach(peer -> peers.add(peer(peer)));
        // An object even where nobody leads: tools read its fields without looking.
        region.set("leader", peer(info.leader()));
        if (!info.downPeers().isEmpty()) {
            ArrayNode down = region.putArray("down_peers");
            for (PeerStats stats : info.downPeers()) {
                ObjectNode entry = down.addObject();
                entry.put("down_seconds", stats.getDownSeconds());
                entry.set("peer", peer(stats.getPeer()));
            }
        }
        if (!info.pendingPeers().isEmpty()) {
            ArrayNode pending = region.putArray("pending_peers");
            info.pendingPeers().forEach(peer -> pending.add(peer(peer)));
        }
        region.put("cpu_usage", 0);
        region.put("written_bytes", info.flow().bytesWritten());
        region.put("read_bytes", info.flow().bytesRead());
        region.put("written_keys", info.flow().keysWritten());
        region.put("read_keys", info.flow().keysRead());
        region.put("approximate_size", info.approximateSizeMib());
        region.put("approximate_keys", info.approximateKeys());
        // Nobody else's tools know it: sizes in MiB do not add up where Regions have less than a few.
        region.put("approximate_bytes", info.approximateSizeBytes());
        return region;
    }

    static ObjectNode peer(@Nullable Peer peer) {
        ObjectNode node = Json.object();
        if (peer == null) {
            return node.put("role_name", roleName(PeerRole.Voter));
        }
        node.put("id", peer.getId()).put("store_id", peer.getStoreId());
        if (peer.getRole() != PeerRole.Voter) {
            node.put("role", peer.getRoleValue());
        }
        node.put("role_name", roleName(peer.getRole()));
        if (peer.getRole() == PeerRole.Learner) {
            node.put("is_learner", true);
        }
        return node;
    }

    static String hex(ByteKey key) {
        return HEX.formatHex(key.bytes());
    }

    private static String roleName(PeerRole role) {
        return role.name();
    }
}
