package io.rutile.pd.meta;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.pd.meta.InitialCluster.Entry;
import io.rutile.protocol.pdpb.Member;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MemberIdentityTest {

    private static final MemberIdentity JOINED = new MemberIdentity(
            4, "pd-4", 99, 1234, true, Map.of(1L, new Entry("pd-1", "a:1"), 4L, new Entry("pd-4", "[::1]:4")));

    @TempDir
    Path directory;

    @Test
    void identityIsKept() throws IOException {
        assertThat(MemberIdentity.read(directory)).isEmpty();
        JOINED.write(directory);
        assertThat(MemberIdentity.read(directory)).contains(JOINED);

        MemberIdentity began = MemberIdentity.initial(InitialCluster.parse("pd-1=a:1,pd-2=b:2"), "pd-2", 5, 6);
        began.write(directory);
        assertThat(MemberIdentity.read(directory)).contains(began);
        assertThat(began.id()).isEqualTo(2);
        assertThat(began.joined()).isFalse();
    }

    @Test
    void incarnationIsDrawnOnceForADirectory() throws IOException {
        long drawn = MemberIdentity.incarnationOf(directory.resolve("a"));

        assertThat(drawn).isPositive();
        assertThat(MemberIdentity.incarnationOf(directory.resolve("a"))).isEqualTo(drawn);
        assertThat(MemberIdentity.incarnationOf(directory.resolve("b"))).isNotEqualTo(drawn);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "id",
                "id 4\ngroup 1\nincarnation 2\n",
                "id x\nknown 4 pd-4 a:1\n",
                "id 4\ngroup 1\nincarnation 2\nbegan by-joining\nknown 4 pd-4 nowhere\n"
            })
    void damagedFileIsNamed(String text) throws IOException {
        Files.writeString(directory.resolve("member"), text);

        assertThatThrownBy(() -> MemberIdentity.read(directory))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("member is damaged");
    }

    @Test
    void directoryTriesEveryAddressThatAnybodySaysInTurn() {
        MetaState[] state = {MetaState.EMPTY};
        MemberDirectory members =
                new MemberDirectory(JOINED, List.of(new Entry("pd-1", "127.0.0.1:11")), () -> state[0]);
        assertThat(members.resolve(2)).isNull();
        assertThat(members.name(1)).contains("pd-1");
        assertThat(members.greatestId()).isEqualTo(4);

        state[0] = state[0].withMember(Member.newBuilder()
                .setMemberId(1)
                .setName("pd-1")
                .addPeerUrls("http://127.0.0.1:12")
                .build());
        Set<Integer> ports = new HashSet<>();
        for (int i = 0; i < 3; i++) {
            ports.add(Objects.requireNonNull(members.resolve(1)).getPort());
        }

        assertThat(ports).as("settings, hard state, what it began with").containsExactlyInAnyOrder(11, 12, 1);
        assertThat(members.entry(1)).contains(new Entry("pd-1", "127.0.0.1:11"));
    }

    @Test
    void namesAreThoseThatFitInListsAndFiles() {
        assertThat(List.of("pd-1", "a", "pd.eu_1")).allMatch(MemberIdentity::isName);
        assertThat(List.of("", "a b", "a,b", "a=b", "-a", "a\n", "é", "x".repeat(65)))
                .noneMatch(MemberIdentity::isName);
    }
}
