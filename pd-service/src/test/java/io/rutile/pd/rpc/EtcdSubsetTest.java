package io.rutile.pd.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.rutile.pd.meta.GcRecord;
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

    private static final String SAVED_SAFE_POINT = "/tidb/store/gcworker/saved_safe_point";

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
    void savedSafePointIsAbsentUntilItHasMoved() {
        RangeResponse range = range(SAVED_SAFE_POINT, "");

        assertThat(range.getKvsList()).isEmpty();
        assertThat(range.getCount()).isZero();
        assertThat(range.getHeader().getRevision()).isPositive();
    }

    @Test
    void savedSafePointIsTheTxnSafePointInDecimal() {
        pd.meta.propose(new GcRecord.AdvanceTxnSafePoint(467_000_000_000_000_001L, 1));

        assertThat(range(SAVED_SAFE_POINT, "").getKvsList()).singleElement().satisfies(pair -> {
            assertThat(pair.getKey().toStringUtf8()).isEqualTo(SAVED_SAFE_POINT);
            assertThat(pair.getValue().toStringUtf8()).isEqualTo("467000000000000001");
            assertThat(pair.getModRevision()).isPositive();
        });
        assertThat(range("/tidb/", "/tidb0").getCount()).isEqualTo(1);
        assertThat(range("/", "\0").getCount()).isEqualTo(1);
        assertThat(range("/tidb/store/gcworker/saved_safe_poin", "").getCount()).isZero();
        assertThat(range("/tidb/store/gcworker/saved_safe_point2", "\0").getCount())
                .isZero();
    }

    @Test
    void memberThatIsCutOffDoesNotTellAnOldSafePointP7() {
        pd.meta.propose(new GcRecord.AdvanceTxnSafePoint(10, 1));

        pd.follow(2);
        assertThat(range(SAVED_SAFE_POINT, "").getCount()).isEqualTo(1);
        pd.follow(0);
        assertThatThrownBy(() -> range(SAVED_SAFE_POINT, ""))
                .hasMessageContaining("UNAVAILABLE")
                .hasMessageContaining("etcdserver: no leader");
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

    private RangeResponse range(String key, String end) {
        return KVGrpc.newBlockingStub(pd.channel())
                .range(RangeRequest.newBuilder()
                        .setKey(ByteString.copyFromUtf8(key))
                        .setRangeEnd(ByteString.copyFromUtf8(end))
                        .build());
    }

    private ServingStatus health(String service) {
        return HealthGrpc.newBlockingStub(pd.channel())
                .check(HealthCheckRequest.newBuilder().setService(service).build())
                .getStatus();
    }
}
