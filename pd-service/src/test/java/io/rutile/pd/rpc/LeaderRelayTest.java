package io.rutile.pd.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import io.rutile.pd.meta.LocalMeta;
import io.rutile.pd.meta.MetaRecord;
import io.rutile.pd.rpc.LocalPd.Answers;
import io.rutile.protocol.pdpb.AllocIDRequest;
import io.rutile.protocol.pdpb.Member;
import io.rutile.protocol.pdpb.PDGrpc;
import io.rutile.protocol.pdpb.TsoRequest;
import io.rutile.protocol.pdpb.TsoResponse;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LeaderRelayTest {

    @TempDir
    Path directory;

    private LocalPd leader;
    private LocalPd follower;

    @BeforeEach
    void start() {
        leader = new LocalPd(directory.resolve("leader"), DoorOptions.DEFAULTS);
        LocalMeta meta = LocalMeta.in(directory.resolve("follower"));
        follower = new LocalPd(meta, DoorOptions.DEFAULTS);
        follower.follow(2);
        meta.log()
                .applyForeign(new MetaRecord.AnnounceMember(Member.newBuilder()
                        .setMemberId(2)
                        .setName("pd-2")
                        .addClientUrls(leader.url())
                        .build()));
    }

    @AfterEach
    void stop() {
        leader.close();
        follower.close();
    }

    @Test
    void unaryCallIsRelayedToTheMemberThatIsNamed() {
        assertThat(forwarded(leader.url()).allocID(request()).getId()).isEqualTo(1);
        assertThat(forwarded("127.0.0.1:" + leader.port()).allocID(request()).getId())
                .isEqualTo(2);
    }

    @Test
    void streamIsRelayedWithItsEnd() {
        Answers<TsoResponse> answers = new Answers<>();
        StreamObserver<TsoRequest> stream = PDGrpc.newStub(follower.channel())
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(header(leader.url())))
                .tso(answers);

        for (int i = 0; i < 200; i++) {
            stream.onNext(TsoRequest.newBuilder()
                    .setHeader(leader.header())
                    .setCount(3)
                    .build());
        }
        for (int i = 0; i < 200; i++) {
            assertThat(answers.next().getCount()).isEqualTo(3);
        }
        stream.onCompleted();

        assertThat(answers.end()).isNull();
    }

    @Test
    void errorsComeBackAsTheyAre() {
        assertThatThrownBy(() -> forwarded(leader.url())
                        .allocID(AllocIDRequest.newBuilder()
                                .setHeader(leader.wrongHeader())
                                .build()))
                .hasMessageContaining(
                        "mismatch cluster id, need " + leader.header().getClusterId());
    }

    @Test
    void memberThatIsNamedItselfServesTheCall() {
        assertThatThrownBy(() -> forwarded(follower.url()).allocID(request())).hasMessageContaining("not leader");
    }

    @Test
    void strangersAreNotRelayedTo() {
        for (String stranger : new String[] {"http://127.0.0.1:1", "example.org:80", "nonsense", "http://", "::::"}) {
            assertThatThrownBy(() -> forwarded(stranger).allocID(request()))
                    .hasMessageContaining("INVALID_ARGUMENT")
                    .hasMessageContaining("names no member");
        }
    }

    private PDGrpc.PDBlockingStub forwarded(String host) {
        return follower.stub().withInterceptors(MetadataUtils.newAttachHeadersInterceptor(header(host)));
    }

    private static Metadata header(String host) {
        Metadata metadata = new Metadata();
        metadata.put(LeaderRelay.FORWARDED_HOST, host);
        return metadata;
    }

    private AllocIDRequest request() {
        return AllocIDRequest.newBuilder().setHeader(leader.header()).build();
    }
}
