package io.rutile.pd.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.cluster.Regions;
import io.rutile.pd.leader.Clocks;
import io.rutile.pd.leader.LeaderOptions;
import io.rutile.pd.meta.LocalMeta;
import io.rutile.pd.meta.StoreRates;
import io.rutile.pd.meta.StoreRecord;
import io.rutile.pd.schedule.ScheduleOptions;
import io.rutile.pd.schedule.Schedulers;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.pdpb.ErrorType;
import io.rutile.protocol.pdpb.GetOperatorRequest;
import io.rutile.protocol.pdpb.GetOperatorResponse;
import io.rutile.protocol.pdpb.OperatorStatus;
import io.rutile.protocol.pdpb.ScatterRegionRequest;
import io.rutile.protocol.pdpb.ScatterRegionResponse;
import io.rutile.protocol.pdpb.SplitAndScatterRegionsRequest;
import io.rutile.protocol.pdpb.SplitAndScatterRegionsResponse;
import io.rutile.protocol.pdpb.SplitRegionsRequest;
import io.rutile.protocol.pdpb.SplitRegionsResponse;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** ScatterRegion, SplitRegions, SplitAndScatterRegions and GetOperator, with stores that do what PD orders. */
class OperatorServiceTest {

    @TempDir
    Path directory;

    private LocalPd pd;

    @BeforeEach
    void start() {
        // Nobody moves anything but who is asked to.
        LeaderOptions options =
                LeaderOptions.DEFAULTS.withSchedule(ScheduleOptions.DEFAULTS.withSchedulersOff(Schedulers.NAMES));
        pd = new LocalPd(LocalMeta.in(directory), DoorOptions.DEFAULTS, options, Clocks.system());
    }

    @AfterEach
    void stop() {
        pd.close();
    }

    @Test
    void bootstrapComesBeforeAnythingElse() {
        assertThat(pd.stub()
                        .scatterRegion(ScatterRegionRequest.newBuilder()
                                .setHeader(pd.wrongHeader())
                                .build())
                        .getHeader()
                        .getError()
                        .getType())
                .isEqualTo(ErrorType.NOT_BOOTSTRAPPED);
        assertThat(splitAt().getHeader().getError().getType()).isEqualTo(ErrorType.NOT_BOOTSTRAPPED);
        assertThat(operatorOf(2).getHeader().getError().getType()).isEqualTo(ErrorType.NOT_BOOTSTRAPPED);
    }

    @Test
    void unknownRegionIsATypedError() {
        pd.bootstrapped();

        ScatterRegionResponse scattered = pd.stub()
                .scatterRegion(ScatterRegionRequest.newBuilder()
                        .setHeader(pd.header())
                        .setRegionId(77)
                        .build());
        assertThat(scattered.getHeader().getError().getType()).isEqualTo(ErrorType.REGION_NOT_FOUND);
        assertThat(scattered.getHeader().getError().getMessage()).isEqualTo("region 77 not found");
        assertThat(operatorOf(77).getHeader().getError().getType()).isEqualTo(ErrorType.REGION_NOT_FOUND);
        assertThat(operatorOf(2).getHeader().getError().getMessage()).isEqualTo("no operator is known for region 2");
    }

    @Test
    void regionThatCanNotBeScatteredIsAStatusForOlderClients() {
        pd.bootstrapped();

        assertThatThrownBy(() -> pd.stub()
                        .scatterRegion(ScatterRegionRequest.newBuilder()
                                .setHeader(pd.header())
                                .setRegionId(2)
                                .build()))
                .satisfies(failure ->
                        assertThat(Status.fromThrowable(failure).getCode()).isEqualTo(Status.Code.UNKNOWN))
                .hasMessageContaining("region 2 is not scattered: it has no leader");
    }

    @Test
    void groupIsSpreadOverAllStoresAndUnknownRegionsAreNamed() {
        ObedientStores stores = threeReplicas(pd, 6, 8);

        ScatterRegionResponse answer = pd.stub()
                .scatterRegion(ScatterRegionRequest.newBuilder()
                        .setHeader(pd.header())
                        .setGroup("table-1")
                        .addAllRegionsId(List.of(100L, 101L, 102L, 103L, 104L, 105L, 106L, 107L, 999L))
                        .build());

        assertThat(answer.getHeader().hasError()).isFalse();
        assertThat(answer.getFailedRegionsIdList()).containsExactly(999L);
        assertThat(answer.getFinishedPercentage()).isEqualTo(88);
        await(() -> {
            Map<Long, Integer> peers = new HashMap<>();
            stores.all().stream()
                    .filter(region -> region.getId() != 2)
                    .forEach(
                            region -> region.getPeersList().forEach(p -> peers.merge(p.getStoreId(), 1, Integer::sum)));
            return pd.term().operators().size() == 0
                    && peers.size() == 6
                    && peers.values().stream().allMatch(count -> count == 4);
        });
        assertThat(operatorOf(107).getDesc().toStringUtf8()).isEqualTo("scatter-region");
    }

    @Test
    void waitersSeeAScatterRunAndEnd() {
        ObedientStores stores = threeReplicas(pd, 4, 2);
        stores.deaf(true);
        pd.stub()
                .scatterRegion(ScatterRegionRequest.newBuilder()
                        .setHeader(pd.header())
                        .setGroup("g")
                        .addAllRegionsId(List.of(100L, 101L))
                        .setSkipStoreLimit(true)
                        .build());
        // The first one stays where it is; the second one finds that three stores have one of the group already.
        assertThat(operatorOf(100).getHeader().getError().getType()).isEqualTo(ErrorType.REGION_NOT_FOUND);
        GetOperatorResponse running = operatorOf(101);
        assertThat(running.getStatus()).isEqualTo(OperatorStatus.RUNNING);
        assertThat(running.getDesc().toStringUtf8()).isEqualTo("scatter-region");
        assertThat(running.getKind().toStringUtf8()).isEqualTo("scatter");
        assertThat(running.getRegionId()).isEqualTo(101);

        stores.deaf(false);
        stores.heartbeat(101);

        await(() -> operatorOf(101).getStatus() == OperatorStatus.SUCCESS);
    }

    @Test
    void scatterGoesPastStoreLimitsIfAsked() {
        threeReplicas(pd, 4, 6).deaf(true);
        pd.meta.propose(new StoreRecord.LimitStore(4, StoreRates.Of.ADDED, 0));
        ScatterRegionRequest.Builder request = ScatterRegionRequest.newBuilder().setHeader(pd.header());

        pd.stub()
                .scatterRegion(request.setGroup("one")
                        .addAllRegionsId(List.of(100L, 101L, 102L))
                        .build());
        assertThat(pd.term().operators().influenceOn(4).receiving()).isZero();
        pd.stub()
                .scatterRegion(request.setGroup("two")
                        .clearRegionsId()
                        .addAllRegionsId(List.of(103L, 104L, 105L))
                        .setSkipStoreLimit(true)
                        .build());

        assertThat(pd.term().operators().influenceOn(4).receiving()).isPositive();
    }

    @Test
    void splitEndsWithTheIdsOfWhatIsNewD1() {
        ObedientStores stores = threeReplicas(pd, 3, 2);

        SplitRegionsResponse answer = splitAt("x1", "r000", "c", "x2", "c");

        assertThat(answer.getHeader().hasError()).isFalse();
        assertThat(answer.getFinishedPercentage()).isEqualTo(100);
        // "r000" is a border already.
        assertThat(answer.getRegionsIdList()).hasSize(3).doesNotContain(2L, 100L, 101L);
        assertThat(startKeys()).containsExactly("", "c", "r000", "r001", "x1", "x2");
        assertThat(stores.orders()).allMatch(order -> order.hasSplitRegion());
        // Again: everything is there, and nothing is new.
        SplitRegionsResponse again = splitAt("x1", "c");
        assertThat(again.getFinishedPercentage()).isEqualTo(100);
        assertThat(again.getRegionsIdList()).isEmpty();
    }

    @Test
    void splitThatNobodyCarriesOutSaysHowFarItCame() {
        ObedientStores stores = threeReplicas(pd, 3, 2);
        stores.deaf(true);

        long begun = System.nanoTime();
        SplitRegionsResponse answer = pd.stub()
                .withDeadlineAfter(1_000, TimeUnit.MILLISECONDS)
                .splitRegions(SplitRegionsRequest.newBuilder()
                        .setHeader(pd.header())
                        .addSplitKeys(key("c"))
                        .addSplitKeys(key("r001"))
                        .build());

        assertThat(answer.getFinishedPercentage()).isEqualTo(50);
        assertThat(answer.getRegionsIdList()).isEmpty();
        assertThat(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begun)).isLessThan(1_000);
    }

    @Test
    void splitWithoutSenseIsRefused() {
        pd.bootstrapped();

        assertThat(splitAt().getHeader().getError().getMessage()).contains("1 to 4096 keys");
        assertThat(splitAt("").getHeader().getError().getMessage()).contains("empty key");
        String[] many = new String[4_097];
        for (int i = 0; i < many.length; i++) {
            many[i] = "k" + i;
        }
        assertThat(splitAt(many).getHeader().getError().getMessage()).contains("not 4097");
    }

    @Test
    void piecesAreSpreadAsAGroup() {
        ObedientStores stores = threeReplicas(pd, 5, 1);

        SplitAndScatterRegionsResponse answer = pd.stub()
                .splitAndScatterRegions(SplitAndScatterRegionsRequest.newBuilder()
                        .setHeader(pd.header())
                        .setGroup("t")
                        .addAllSplitKeys(Stream.of("s", "t", "u", "v")
                                .map(OperatorServiceTest::key)
                                .toList())
                        .build());

        assertThat(answer.getSplitFinishedPercentage()).isEqualTo(100);
        assertThat(answer.getScatterFinishedPercentage()).isEqualTo(100);
        assertThat(answer.getRegionsIdList()).hasSize(4);
        await(() -> {
            Map<Long, Integer> peers = new HashMap<>();
            stores.all().stream()
                    .filter(region -> region.getId() != 2)
                    .forEach(
                            region -> region.getPeersList().forEach(p -> peers.merge(p.getStoreId(), 1, Integer::sum)));
            return pd.term().operators().size() == 0
                    && peers.size() == 5
                    && peers.values().stream().allMatch(count -> count == 3);
        });
    }

    /** Region 2 before "r000", and 100, 101, … from "r000", "r001", … on; all of them on stores 1 to 3, led by store 1. */
    static ObedientStores threeReplicas(LocalPd pd, int stores, int regions) {
        ObedientStores obedient = new ObedientStores(pd, stores);
        obedient.region(Regions.region(2, "", "r000", 1, 2, 3).epoch(5, 5));
        for (int i = 0; i < regions; i++) {
            String end = i == regions - 1 ? "" : String.format("r%03d", i + 1);
            obedient.region(Regions.region(100 + i, String.format("r%03d", i), end, 1, 2, 3)
                    .epoch(5, 5));
        }
        await(() -> pd.term().cluster().regionCount() == regions + 1);
        return obedient;
    }

    private List<String> startKeys() {
        return pd.term().cluster().regionsAfter(null, 100).stream()
                .map(RegionInfo::startKey)
                .map(ByteKey::toByteString)
                .map(ByteString::toStringUtf8)
                .toList();
    }

    private SplitRegionsResponse splitAt(String... keys) {
        return pd.stub()
                .splitRegions(SplitRegionsRequest.newBuilder()
                        .setHeader(pd.header())
                        .addAllSplitKeys(
                                Stream.of(keys).map(OperatorServiceTest::key).toList())
                        .build());
    }

    private GetOperatorResponse operatorOf(long region) {
        return pd.stub()
                .getOperator(GetOperatorRequest.newBuilder()
                        .setHeader(pd.header())
                        .setRegionId(region)
                        .build());
    }

    private static ByteString key(String text) {
        return ByteString.copyFromUtf8(text);
    }

    private static void await(java.util.concurrent.Callable<Boolean> condition) {
        Awaitility.await().atMost(LocalPd.PATIENCE).until(condition);
    }
}
