package io.rutile.pd.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.rutile.protocol.etcdserverpb.ClusterGrpc;
import io.rutile.protocol.etcdserverpb.KVGrpc;
import io.rutile.protocol.etcdserverpb.MemberListRequest;
import io.rutile.protocol.etcdserverpb.MemberListResponse;
import io.rutile.protocol.etcdserverpb.PutRequest;
import io.rutile.protocol.etcdserverpb.RangeRequest;
import io.rutile.protocol.etcdserverpb.RangeResponse;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What client-go asks beside pdpb before it opens, and what every client asks about health. */
class EtcdSubsetTest {

    @TempDir
    Path directory;

    private LocalPd pd;

    @BeforeEach
    void start() {
        pd = new LocalPd(directory, DoorOptions.DEFAULTS);
    }

    @AfterEach
    void stop() {
        pd.close();
    }

    @Test
    void memberListHasTheUrlsThatReplaceAClientsEndpoints() {
        MemberListResponse list =
                ClusterGrpc.newBlockingStub(pd.channel()).memberList(MemberListRequest.getDefaultInstance());

        assertThat(list.getHeader().getClusterId()).isEqualTo(pd.header().getClusterId());
        assertThat(list.getHeader().getRevision()).isPositive();
        assertThat(list.getMembersList()).singleElement().satisfies(member -> {
            assertThat(member.getID()).isNotZero();
            assertThat(member.getClientURLsList()).containsExactly(pd.url());
        });
    }

    @Test
    void savedSafePointIsAbsent() {
        RangeResponse range = KVGrpc.newBlockingStub(pd.channel())
                .range(RangeRequest.newBuilder()
                        .setKey(ByteString.copyFromUtf8("/tidb/store/gcworker/saved_safe_point"))
                        .build());

        assertThat(range.getKvsList()).isEmpty();
        assertThat(range.getCount()).isZero();
        assertThat(range.getHeader().getRevision()).isPositive();
    }

    @Test
    void rangeWithoutAKeyAndPutsAreRefused() {
        KVGrpc.KVBlockingStub kv = KVGrpc.newBlockingStub(pd.channel());

        assertThatThrownBy(() -> kv.range(RangeRequest.getDefaultInstance())).hasMessageContaining("INVALID_ARGUMENT");
        assertThatThrownBy(() -> kv.put(PutRequest.getDefaultInstance())).hasMessageContaining("UNIMPLEMENTED");
    }

    @Test
    void leaderServesAndAMemberWithoutLeaderDoesNot() {
        assertThat(health("")).isEqualTo(ServingStatus.SERVING);
        assertThat(health("pdpb.PD")).isEqualTo(ServingStatus.SERVING);
        assertThatThrownBy(() -> health("nobody")).hasMessageContaining("NOT_FOUND");

        pd.follow(0);

        assertThat(health("")).isEqualTo(ServingStatus.NOT_SERVING);
    }

    private ServingStatus health(String service) {
        return HealthGrpc.newBlockingStub(pd.channel())
                .check(HealthCheckRequest.newBuilder().setService(service).build())
                .getStatus();
    }
}
