package io.rutile.pd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.pd.PdCluster.Client;
import io.rutile.pd.cluster.LocalCluster;
import io.rutile.pd.http.ClusterJoin;
import io.rutile.pd.meta.MemberIdentity;
import io.rutile.protocol.pdpb.Member;
import io.rutile.tls.TransportSecurity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Members that join and leave a cluster that runs, over real Raft: who counts when, and what clients see of it. */
class PdMembershipTest {

    @TempDir
    Path directory;

    @Test
    void oneMemberBecomesThreeAndTimeGoesOnWithoutTheFirstT1T2() {
        try (PdCluster cluster = PdCluster.of(1, directory)) {
            long clusterId = cluster.call(Client::clusterId);
            cluster.call(client -> client.bootstrap(LocalCluster.store(1)));
            long last = cluster.call(client -> client.timestamp(1));
            Set<Long> ids = new HashSet<>(Set.of(cluster.call(Client::allocate)));

            cluster.join(2, 1);
            awaitMembers(cluster, 1, 1, 2);
            // Asked of one that follows, decided by the leader.
            cluster.join(3, 2);
            for (int member : List.of(1, 2, 3)) {
                awaitMembers(cluster, member, 1, 2, 3);
            }
            assertThat(cluster.http(3, "GET", "/members")).startsWith("200").doesNotContain("is_learner");
            assertThat(cluster.http(2, "GET", "/members/id/3"))
                    .startsWith("200")
                    .contains("\"pd-3\"");

            cluster.stopMember(1);
            for (int i = 0; i < 5; i++) {
                long taken = cluster.call(client -> client.timestamp(5, clusterId));
                assertThat(taken - 5).as("T1").isGreaterThanOrEqualTo(last);
                last = taken;
                assertThat(ids.add(cluster.call(Client::allocate))).as("T2").isTrue();
            }

            // Its directory says who it is; the settings that it joined by are not needed any more.
            cluster.stopMember(2);
            cluster.startMember(1);
            cluster.startMember(2);
            awaitMembers(cluster, 2, 1, 2, 3);
            long later = cluster.call(client -> client.timestamp(1, clusterId));
            assertThat(later).as("T1").isGreaterThan(last);
            String address = cluster.call(client -> client.storeAddress(1));
            assertThat(address).isEqualTo(LocalCluster.store(1).getAddress());
        }
    }

    @Test
    void memberThatAskedAndDiedCostsNobodyAVoteAndIsTakenInByTheNextLeaderD2() throws Exception {
        try (PdCluster cluster = PdCluster.of(3, directory)) {
            int leader = cluster.leaderId();
            int follower = leader % 3 + 1;
            awaitMembers(cluster, follower, 1, 2, 3);
            PdOptions joining = cluster.willJoin(4, follower);
            long incarnation = MemberIdentity.incarnationOf(joining.dataDir());
            Member asking = Member.newBuilder()
                    .setName("pd-4")
                    .addPeerUrls("http://" + joining.raftListen())
                    .build();
            ClusterJoin calls = new ClusterJoin(TransportSecurity.PLAINTEXT);
            long id = calls.join(joining.join(), asking, incarnation, PdCluster.PATIENCE)
                    .id();
            assertThat(id).isEqualTo(4);

            // It waits for somebody who never answers.
            Awaitility.await()
                    .atMost(PdCluster.PATIENCE)
                    .until(() -> cluster.http(leader, "GET", "/members").contains("\"is_learner\":true"));
            Member other = asking.toBuilder()
                    .setName("pd-5")
                    .setPeerUrls(0, "http://127.0.0.1:1")
                    .build();
            assertThatThrownBy(() -> calls.join(joining.join(), other, 9, Duration.ZERO))
                    .hasMessageContaining("member 4 has yet to catch up");
            assertThatThrownBy(() -> calls.join(
                            joining.join(), other.toBuilder().setName("pd-1").build(), 9, Duration.ZERO))
                    .isInstanceOf(ClusterJoin.NotTakenInException.class);

            // One of three voters goes: a fourth that counted already would be one too few now.
            cluster.stopMember(leader);
            long clusterId = cluster.call(Client::clusterId);
            long taken = cluster.call(client -> client.timestamp(1, clusterId));
            assertThat(taken).isPositive();

            // It comes after all, and asks once more because it knows of no answer.
            cluster.startMember(4);
            awaitMembers(cluster, follower, 1, 2, 3, 4);
            awaitMembers(cluster, 4, 1, 2, 3, 4);
        }
    }

    @Test
    void removedMembersGoAndDoNotComeBackButAsOthersR3() throws Exception {
        try (PdCluster cluster = PdCluster.of(3, directory)) {
            long clusterId = cluster.call(Client::clusterId);
            int leader = cluster.leaderId();
            int gone = leader % 3 + 1;
            int stays = gone % 3 + 1;
            awaitMembers(cluster, stays, 1, 2, 3);

            assertThat(cluster.http(stays, "DELETE", "/members/name/pd-9")).startsWith("404");
            assertThat(cluster.http(stays, "DELETE", "/members/name/pd-" + gone))
                    .startsWith("200");
            awaitMembers(cluster, stays, leader, stays);
            Awaitility.await()
                    .atMost(PdCluster.PATIENCE)
                    .until(() -> cluster.server(gone).failure().isPresent());
            assertThat(cluster.server(gone).failure().orElseThrow()).hasMessageContaining("was removed");
            assertThat(cluster.http(stays, "DELETE", "/members/id/" + gone)).startsWith("410");

            cluster.stopMember(gone);
            assertThatThrownBy(() -> cluster.startMember(gone))
                    .isInstanceOf(PdStartException.class)
                    .hasMessageContaining("member " + gone + " was removed");
            assertThat(cluster.leaderId()).as("nobody was disturbed").isEqualTo(leader);

            // The leader itself: another one leads first.
            long before = cluster.call(client -> client.timestamp(1, clusterId));
            assertThat(cluster.http(leader, "DELETE", "/members/id/" + leader)).startsWith("200");
            awaitMembers(cluster, stays, stays);
            cluster.stopMember(leader);
            long after = cluster.call(client -> client.timestamp(1, clusterId));
            assertThat(after).as("T1").isGreaterThan(before);
            assertThat(cluster.http(stays, "DELETE", "/members/id/" + stays))
                    .startsWith("403")
                    .contains("is the last one");

            // Under its old name, on an empty disk, with an id of its own.
            wipe(gone);
            cluster.join(gone, stays);
            awaitMembers(cluster, stays, stays, 4);
            awaitMembers(cluster, gone, stays, 4);
            assertThat(cluster.http(gone, "GET", "/members/id/4")).contains("\"pd-" + gone + "\"");
        }
    }

    @Test
    void memberThatLostItsDiskIsNotTheOneItWasR3() throws Exception {
        try (PdCluster cluster = PdCluster.of(3, directory)) {
            int leader = cluster.leaderId();
            int wiped = leader % 3 + 1;
            int other = wiped % 3 + 1;
            awaitMembers(cluster, other, 1, 2, 3);
            Awaitility.await().atMost(PdCluster.PATIENCE).until(() -> isIdentified(cluster, wiped));
            cluster.stopMember(wiped);
            wipe(wiped);

            // As the settings have it, it would begin a group that has long begun: it is told, and stops.
            cluster.startMember(wiped);
            Awaitility.await()
                    .atMost(PdCluster.PATIENCE)
                    .until(() -> cluster.server(wiped).failure().isPresent());
            assertThat(cluster.server(wiped).failure().orElseThrow()).hasMessageContaining("another data directory");
            cluster.stopMember(wiped);
            wipe(wiped);

            assertThatThrownBy(() -> cluster.join(wiped, other))
                    .isInstanceOf(PdStartException.class)
                    .hasMessageContaining("a member is called pd-" + wiped + " already");
            assertThat(cluster.http(other, "DELETE", "/members/name/pd-" + wiped))
                    .startsWith("200");
            cluster.startMember(wiped);
            awaitMembers(cluster, wiped, leader, other, 4);
        }
    }

    private static boolean isIdentified(PdCluster cluster, int member) {
        return cluster.server(member).isIdentified();
    }

    /** Waits until one member tells clients of these and no others, and where they are. */
    private static void awaitMembers(PdCluster cluster, int asked, long... members) {
        Client client = cluster.client(asked);
        List<Long> wanted = java.util.Arrays.stream(members).sorted().boxed().toList();
        Awaitility.await()
                .atMost(PdCluster.PATIENCE)
                .untilAsserted(() -> assertThat(client.members().getMembersList())
                        .allMatch(member -> member.getClientUrls(0).matches("http://127\\.0\\.0\\.1:\\d+"))
                        .extracting(Member::getMemberId)
                        .containsExactlyInAnyOrderElementsOf(wanted));
    }

    private void wipe(int member) throws IOException {
        try (Stream<Path> files = Files.walk(directory.resolve("pd-" + member))) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
