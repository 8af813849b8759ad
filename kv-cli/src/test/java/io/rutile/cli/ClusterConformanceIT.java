package io.rutile.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.rutile.cli.cluster.ClusterLayout;
import io.rutile.cli.cluster.ServiceProcess;
import io.rutile.client.RutileClient;
import io.rutile.client.pd.RegionLocation;
import io.rutile.client.rpc.Channels;
import io.rutile.client.rpc.Endpoint;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.MemComparable;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.kvrpcpb.APIVersion;
import io.rutile.protocol.kvrpcpb.CommitRequest;
import io.rutile.protocol.kvrpcpb.CommitResponse;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.DeleteRangeRequest;
import io.rutile.protocol.kvrpcpb.GetRequest;
import io.rutile.protocol.kvrpcpb.GetResponse;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.kvrpcpb.Mutation;
import io.rutile.protocol.kvrpcpb.Op;
import io.rutile.protocol.kvrpcpb.PessimisticLockRequest;
import io.rutile.protocol.kvrpcpb.PrewriteRequest;
import io.rutile.protocol.kvrpcpb.RawGetRequest;
import io.rutile.protocol.kvrpcpb.RawPutRequest;
import io.rutile.protocol.kvrpcpb.ScanLockRequest;
import io.rutile.protocol.kvrpcpb.SplitRegionRequest;
import io.rutile.protocol.kvrpcpb.SplitRegionResponse;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.Store;
import io.rutile.protocol.pdpb.AllocIDRequest;
import io.rutile.protocol.pdpb.AllocIDResponse;
import io.rutile.protocol.pdpb.AskBatchSplitRequest;
import io.rutile.protocol.pdpb.AskBatchSplitResponse;
import io.rutile.protocol.pdpb.BootstrapRequest;
import io.rutile.protocol.pdpb.ErrorType;
import io.rutile.protocol.pdpb.GetClusterInfoRequest;
import io.rutile.protocol.pdpb.GetMembersRequest;
import io.rutile.protocol.pdpb.GetRegionRequest;
import io.rutile.protocol.pdpb.GetStoreRequest;
import io.rutile.protocol.pdpb.PDGrpc;
import io.rutile.protocol.pdpb.PutStoreRequest;
import io.rutile.protocol.pdpb.RequestHeader;
import io.rutile.protocol.pdpb.ScanRegionsRequest;
import io.rutile.protocol.pdpb.SplitID;
import io.rutile.protocol.pdpb.TsoRequest;
import io.rutile.protocol.pdpb.TsoResponse;
import io.rutile.protocol.pdpb.UpdateServiceGCSafePointRequest;
import io.rutile.protocol.tikvpb.BatchCommandsEmptyRequest;
import io.rutile.protocol.tikvpb.BatchCommandsRequest;
import io.rutile.protocol.tikvpb.BatchCommandsResponse;
import io.rutile.protocol.tikvpb.TikvGrpc;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Conformance cases of Region errors, splits, batched commands and the Placement Driver, by their ids and by the bare protocol, against
 * processes: what the same cases in one JVM can't show is that doors, Raft and PD agree over real connections.
 *
 * <p>Left to the tests in one JVM: cases that need a new PD (D10), that take longer than a test should (D02, D23), that would send
 * orders or safe points to a cluster that lives (D17, D21, D22, D25, D27), and E10, because nobody outside knows a term.
 */
@Tag("cluster")
@ExtendWith(SharedHouse.class)
class ClusterConformanceIT {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final String PREFIX = "conformance/";
    private static final int TTL_MS = 20_000;

    private static TestHouse house;
    private static RutileClient client;
    private static final Map<String, ManagedChannel> CHANNELS = new HashMap<>();

    /** The keys of these cases have Regions of their own, and their neighbours are left alone. */
    @BeforeAll
    static void up(TestHouse shared) {
        house = shared;
        client = house.client();
        split(PREFIX);
        split("conformance0");
    }

    @AfterAll
    static void down() {
        CHANNELS.values().forEach(ManagedChannel::shutdownNow);
        if (client != null) {
            client.close();
        }
    }

    // Region errors

    @Test
    void e01_aWrongStore() {
        Seat seat = seat("e01");

        Error error = get(seat.stub(), on(seat.context(), 999_999, seat.peer().getId()), "e01")
                .getRegionError();

        assertThat(error.getStoreNotMatch().getRequestStoreId()).isEqualTo(999_999);
        assertThat(error.getStoreNotMatch().getActualStoreId())
                .isEqualTo(seat.peer().getStoreId());
    }

    @Test
    void e02_aFollower() {
        Seat seat = seat("e02");
        Peer follower = seat.region().getPeersList().stream()
                .filter(peer -> peer.getId() != seat.peer().getId())
                .findFirst()
                .orElseThrow();
        TikvGrpc.TikvBlockingStub stub = store(follower.getStoreId());

        Error asFollower = get(stub, on(seat.context(), follower.getStoreId(), follower.getId()), "e02")
                .getRegionError();
        Error asLeader = get(stub, seat.context(), "e02").getRegionError();

        assertThat(asFollower.getNotLeader().getRegionId())
                .isEqualTo(seat.region().getId());
        assertThat(asFollower.getNotLeader().getLeader()).isEqualTo(seat.peer());
        assertThat(asLeader.getStoreNotMatch().getRequestStoreId())
                .isEqualTo(seat.peer().getStoreId());
        assertThat(asLeader.getStoreNotMatch().getActualStoreId()).isEqualTo(follower.getStoreId());
    }

    @Test
    void e03_anOldEpochIsAnsweredWithWhatTheRegionHasBecome() {
        Seat old = seat("e03/m");

        split(PREFIX + "e03/m");
        Error read = get(old.stub(), old.context(), "e03/m").getRegionError();
        Error write = prewrite(old.stub(), old.context(), now(), "e03/m");

        for (Error error : List.of(read, write)) {
            List<Region> now = error.getEpochNotMatch().getCurrentRegionsList().stream()
                    .sorted(Comparator.comparing(region -> ByteKey.of(region.getStartKey())))
                    .toList();
            assertThat(now).hasSize(2);
            assertThat(now.get(0).getStartKey()).isEqualTo(old.region().getStartKey());
            assertThat(now.get(0).getEndKey())
                    .isEqualTo(now.get(1).getStartKey())
                    .isEqualTo(border(PREFIX + "e03/m"));
            assertThat(now.get(1).getEndKey()).isEqualTo(old.region().getEndKey());
        }
    }

    @Test
    void e04_anEpochThatIsYetToCome() {
        Seat seat = seat("e04");
        Context context = seat.context().toBuilder()
                .setRegionEpoch(seat.region().getRegionEpoch().toBuilder()
                        .setVersion(seat.region().getRegionEpoch().getVersion() + 1))
                .build();

        assertThat(get(seat.stub(), context, "e04")
                        .getRegionError()
                        .getEpochNotMatch()
                        .getCurrentRegionsList())
                .contains(seat.region());
    }

    @Test
    void e05_aKeyOfAnotherRegion() {
        Seat seat = seat("e05");

        Error error = seat.stub()
                .rawPut(RawPutRequest.newBuilder()
                        .setContext(seat.context())
                        .setKey(text("zzz"))
                        .setValue(text("v"))
                        .build())
                .getRegionError();

        assertThat(error.getKeyNotInRegion().getKey()).isEqualTo(text("zzz"));
        assertThat(error.getKeyNotInRegion().getRegionId())
                .isEqualTo(seat.region().getId());
        assertThat(error.getKeyNotInRegion().getStartKey())
                .isEqualTo(seat.region().getStartKey());
        assertThat(error.getKeyNotInRegion().getEndKey())
                .isEqualTo(seat.region().getEndKey());
    }

    @Test
    void e06_anUnknownRegion() {
        Seat seat = seat("e06");
        Context context = seat.context().toBuilder().setRegionId(999_999).build();

        assertThat(get(seat.stub(), context, "e06")
                        .getRegionError()
                        .getRegionNotFound()
                        .getRegionId())
                .isEqualTo(999_999);
    }

    @Test
    void e07_anotherCluster() {
        Seat seat = seat("e07");
        Context context = seat.context().toBuilder()
                .setClusterId(client.pd().clusterId() + 1)
                .build();

        assertThatThrownBy(() -> get(seat.stub(), context, "e07")).satisfies(ClusterConformanceIT::isInvalidArgument);
        Answers<BatchCommandsResponse> stream = new Answers<>();
        async(seat.peer().getStoreId())
                .batchCommands(stream)
                .onNext(BatchCommandsRequest.newBuilder()
                        .addRequestIds(1)
                        .addRequests(BatchCommandsRequest.Request.newBuilder().setGet(get(context, "e07")))
                        .build());
        isInvalidArgument(Objects.requireNonNull(stream.end()));
    }

    private static void isInvalidArgument(Throwable failure) {
        assertThat(Status.fromThrowable(failure).getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
    }

    /** It is frozen until another is elected, with the commit at its door when it wakes up. */
    @Test
    void e08_aCommitThatReachesTheOldLeaderIsRefused() throws Exception {
        Seat old = seat("e08");
        long startTs = now();
        assertThat(prewrite(old.stub(), old.context(), startTs, "e08")).isEqualTo(Error.getDefaultInstance());
        ServiceProcess process = process(old.peer().getStoreId());
        CommitRequest commit = CommitRequest.newBuilder()
                .setContext(old.context())
                .addKeys(text(PREFIX + "e08"))
                .setStartVersion(startTs)
                .setCommitVersion(now())
                .build();
        Future<CommitResponse> answer;
        process.signal("STOP");
        try {
            answer = TikvGrpc.newFutureStub(channel(address(old.peer().getStoreId())))
                    .withDeadlineAfter(PATIENCE.toSeconds(), TimeUnit.SECONDS)
                    .kvCommit(commit);
            await().atMost(PATIENCE)
                    .until(() -> leader("e08")
                            .filter(peer -> !peer.equals(old.peer()))
                            .isPresent());
        } finally {
            process.signal("CONT");
        }

        Error error = answer.get(PATIENCE.toSeconds(), TimeUnit.SECONDS).getRegionError();
        assertThat(error.hasNotLeader() || error.hasStaleCommand())
                .as("%s", error)
                .isTrue();
        Seat seat = seat("e08");
        assertThat(get(seat.stub(), seat.context(), "e08")
                        .getError()
                        .getLocked()
                        .getLockVersion())
                .isEqualTo(startTs);
        CommitResponse again = seat.stub()
                .kvCommit(commit.toBuilder().setContext(seat.context()).build());
        assertThat(again.hasRegionError() || again.hasError()).as("%s", again).isFalse();
        assertThat(get(seat.stub(), seat.context(), "e08").getValue()).isEqualTo(text("v"));
    }

    @Test
    void e09_anotherApiVersion() {
        Seat seat = seat("e09");
        Context context =
                seat.context().toBuilder().setApiVersion(APIVersion.V2).build();

        assertThat(get(seat.stub(), context, "e09").getError().getAbort()).isNotEmpty();
        assertThat(seat.stub()
                        .rawGet(RawGetRequest.newBuilder()
                                .setContext(context)
                                .setKey(text("e09"))
                                .build())
                        .getError())
                .isNotEmpty();
    }

    // Splits

    @Test
    void n01_aSplitMakesTwoAndTheRegionKeepsTheRight() {
        Seat whole = seat("n01/b");

        SplitRegionResponse two = split(PREFIX + "n01/b");

        assertThat(two.getRegionsList()).containsExactly(two.getLeft(), two.getRight());
        assertThat(two.getLeft().getEndKey())
                .isEqualTo(border(PREFIX + "n01/b"))
                .isEqualTo(two.getRight().getStartKey());
        assertThat(two.getRight().getId()).isEqualTo(whole.region().getId());
        assertThat(two.getRegionsList())
                .allSatisfy(region -> assertThat(region.getRegionEpoch().getVersion())
                        .isEqualTo(whole.region().getRegionEpoch().getVersion() + 1));
        awaitKnown(two.getRegionsList());
    }

    @Test
    void n02_severalKeysInAnyOrderMakeAsManyPieces() {
        split(PREFIX + "n02/b");

        SplitRegionResponse four = split(PREFIX + "n02/e", PREFIX + "n02/c", PREFIX + "n02/d");

        assertThat(four.hasLeft() || four.hasRight()).isFalse();
        assertThat(four.getRegionsList())
                .extracting(Region::getStartKey)
                .containsExactly(
                        border(PREFIX + "n02/b"),
                        border(PREFIX + "n02/c"),
                        border(PREFIX + "n02/d"),
                        border(PREFIX + "n02/e"));
        awaitKnown(four.getRegionsList());
        for (String key : List.of("n02/b", "n02/c1", "n02/d", "n02/e9")) {
            // A piece that has just been elected may still be asking the oracle.
            await().untilAsserted(() -> {
                Seat seat = seat(key);
                assertThat(get(seat.stub(), seat.context(), key).getNotFound()).isTrue();
            });
        }
    }

    @Test
    void n03_whatCanNotBeSplitStaysAsItIs() {
        split(PREFIX + "n03/b", PREFIX + "n03/d");
        Seat seat = seat("n03/c");

        assertThat(refused(seat, "n03/b").getMessage()).isNotEmpty();
        assertThat(refused(seat, "n03/e").hasKeyNotInRegion()).isTrue();
        assertThat(refused(seat, "n03/d").hasKeyNotInRegion()).isTrue();
        assertThat(refused(seat, "n03/c", "n03/c").getMessage()).isNotEmpty();
        assertThat(refused(seat).getMessage()).isNotEmpty();

        assertThat(seat("n03/c").region()).isEqualTo(seat.region());
    }

    @Test
    void n04_locksAreFoundInTheRegionThatHoldsTheirKeyAfterwards() {
        Seat whole = seat("n04/k8");
        long startTs = now();
        assertThat(prewrite(whole.stub(), whole.context(), startTs, "n04/k1", "n04/k8"))
                .isEqualTo(Error.getDefaultInstance());
        long forUpdateTs = now();
        var locked = whole.stub()
                .kvPessimisticLock(PessimisticLockRequest.newBuilder()
                        .setContext(whole.context())
                        .addMutations(
                                Mutation.newBuilder().setOp(Op.PessimisticLock).setKey(text(PREFIX + "n04/k9")))
                        .setPrimaryLock(text(PREFIX + "n04/k9"))
                        .setStartVersion(forUpdateTs)
                        .setForUpdateTs(forUpdateTs)
                        .setLockTtl(TTL_MS)
                        .build());
        assertThat(locked.hasRegionError() || locked.getErrorsCount() > 0)
                .as("%s", locked)
                .isFalse();

        split(PREFIX + "n04/k5");

        assertThat(locks("n04/k1")).containsExactly("n04/k1");
        assertThat(locks("n04/k8")).containsExactly("n04/k8", "n04/k9");
        commit(startTs, "n04/k1");
        commit(startTs, "n04/k8");
        Seat right = seat("n04/k8");
        assertThat(get(right.stub(), right.context(), "n04/k8").getValue()).isEqualTo(text("v"));
    }

    // Batched commands

    @Test
    void q01_anUnsetCommandIsAnsweredEmptyAndTheStreamGoesOn() {
        Seat seat = seat("q01");
        Answers<BatchCommandsResponse> stream = new Answers<>();
        StreamObserver<BatchCommandsRequest> requests =
                async(seat.peer().getStoreId()).batchCommands(stream);

        requests.onNext(BatchCommandsRequest.newBuilder()
                .addRequestIds(1)
                .addRequests(BatchCommandsRequest.Request.newBuilder().setGet(get(seat.context(), "q01")))
                .addRequestIds(2)
                .addRequests(BatchCommandsRequest.Request.getDefaultInstance())
                .addRequestIds(3)
                .addRequests(BatchCommandsRequest.Request.newBuilder().setGet(get(seat.context(), "q01")))
                .build());
        Map<Long, BatchCommandsResponse.Response> answers = byId(stream, 3);

        assertThat(answers.get(1L)).isEqualTo(answers.get(3L));
        assertThat(Objects.requireNonNull(answers.get(1L)).getGet().getNotFound())
                .isTrue();
        assertThat(answers.get(2L)).isEqualTo(BatchCommandsResponse.Response.getDefaultInstance());

        requests.onNext(BatchCommandsRequest.newBuilder()
                .addRequestIds(4)
                .addRequests(BatchCommandsRequest.Request.newBuilder().setGet(get(seat.context(), "q01")))
                .build());
        assertThat(byId(stream, 1)).containsOnlyKeys(4L);
        requests.onCompleted();
        assertThat(stream.end()).isNull();
    }

    @Test
    void q02_anEmptyCommandComesBackAfterItsDelay() {
        Answers<BatchCommandsResponse> stream = new Answers<>();
        StreamObserver<BatchCommandsRequest> requests =
                async(seat("q02").peer().getStoreId()).batchCommands(stream);
        long startNanos = System.nanoTime();

        requests.onNext(BatchCommandsRequest.newBuilder()
                .addRequestIds(1)
                .addRequests(BatchCommandsRequest.Request.newBuilder()
                        .setEmpty(BatchCommandsEmptyRequest.newBuilder()
                                .setTestId(7)
                                .setDelayTime(100)))
                .build());

        assertThat(Objects.requireNonNull(byId(stream, 1).get(1L)).getEmpty().getTestId())
                .isEqualTo(7);
        assertThat(System.nanoTime() - startNanos)
                .isGreaterThanOrEqualTo(Duration.ofMillis(100).toNanos());
        requests.onCompleted();
        assertThat(stream.end()).isNull();
    }

    // Ranges, and the Placement Driver

    @Test
    void d01_aDeletedRangeTakesLocksAndVersions() {
        for (String key : List.of("d01/a", "d01/b", "d01/c")) {
            Seat seat = seat(key);
            long startTs = now();
            assertThat(prewrite(seat.stub(), seat.context(), startTs, key)).isEqualTo(Error.getDefaultInstance());
            commit(startTs, key);
        }
        Seat seat = seat("d01/b");
        assertThat(prewrite(seat.stub(), seat.context(), now(), "d01/b")).isEqualTo(Error.getDefaultInstance());

        var deleted = seat.stub()
                .kvDeleteRange(DeleteRangeRequest.newBuilder()
                        .setContext(seat.context())
                        .setStartKey(text(PREFIX + "d01/a"))
                        .setEndKey(text(PREFIX + "d01/c"))
                        .build());

        assertThat(deleted.hasRegionError() || !deleted.getError().isEmpty())
                .as("%s", deleted)
                .isFalse();
        assertThat(get(seat.stub(), seat.context(), "d01/a").getNotFound()).isTrue();
        assertThat(get(seat.stub(), seat.context(), "d01/b").getNotFound()).isTrue();
        assertThat(get(seat.stub(), seat.context(), "d01/c").getValue()).isEqualTo(text("v"));
    }

    @Test
    void d11_aClusterIsBornOnce() {
        Region any = seat("d11").region();

        for (Region region : List.of(Region.getDefaultInstance(), any)) {
            assertThat(pd().bootstrap(BootstrapRequest.newBuilder()
                                    .setHeader(header())
                                    .setRegion(region)
                                    .build())
                            .getHeader()
                            .getError()
                            .getType())
                    .isEqualTo(ErrorType.ALREADY_BOOTSTRAPPED);
        }
    }

    @Test
    void d12_timestampsOfManyStreamsNeverMeet() {
        int streams = 8;
        int requests = 125;
        int count = 10;
        List<Answers<TsoResponse>> answers = IntStream.range(0, streams)
                .mapToObj(i -> {
                    Answers<TsoResponse> stream = new Answers<>();
                    StreamObserver<TsoRequest> asked = pdAsync().tso(stream);
                    TsoRequest request = TsoRequest.newBuilder()
                            .setHeader(header())
                            .setCount(count)
                            .build();
                    IntStream.range(0, requests).forEach(n -> asked.onNext(request));
                    asked.onCompleted();
                    return stream;
                })
                .toList();

        List<Long> all = new ArrayList<>();
        for (Answers<TsoResponse> stream : answers) {
            assertThat(stream.end()).isNull();
            assertThat(stream.all()).hasSize(requests).allMatch(answer -> answer.getCount() == count);
            List<Long> lasts =
                    stream.all().stream().map(ClusterConformanceIT::last).toList();
            assertThat(lasts).isSorted();
            lasts.forEach(last -> LongStream.rangeClosed(last - count + 1, last).forEach(all::add));
        }
        assertThat(all).hasSize(streams * requests * count).doesNotHaveDuplicates();
    }

    private static long last(TsoResponse answer) {
        return TimeStamp.of(
                        answer.getTimestamp().getPhysical(),
                        answer.getTimestamp().getLogical())
                .value();
    }

    @Test
    void d14_aTimestampAsAUnaryCallIsAnsweredOnce() {
        Answers<TsoResponse> stream = new Answers<>();
        StreamObserver<TsoRequest> asked = pdAsync().tso(stream);

        asked.onNext(TsoRequest.newBuilder().setHeader(header()).setCount(1).build());
        asked.onCompleted();

        assertThat(stream.end()).isNull();
        assertThat(stream.all()).hasSize(1);
    }

    @Test
    void d15_anUnknownStore() {
        var error = pd().getStore(GetStoreRequest.newBuilder()
                        .setHeader(header())
                        .setStoreId(999_999)
                        .build())
                .getHeader()
                .getError();

        assertThat(error.getType()).isEqualTo(ErrorType.UNKNOWN);
        assertThat(error.getMessage()).contains("invalid store ID 999999, not found");
    }

    @Test
    void d16_theAddressOfALivingStoreIsTaken() throws Exception {
        Store store = client.pd().stores(true).get(10, TimeUnit.SECONDS).get(0);

        var taken = putStore(store.toBuilder().setId(999_999).build());

        assertThat(taken.getType()).isEqualTo(ErrorType.UNKNOWN);
        assertThat(taken.getMessage()).contains("duplicated store address");
        assertThat(putStore(store)).isEqualTo(io.rutile.protocol.pdpb.Error.getDefaultInstance());
    }

    private static io.rutile.protocol.pdpb.Error putStore(Store store) {
        return pd().putStore(PutStoreRequest.newBuilder()
                        .setHeader(header())
                        .setStore(store)
                        .build())
                .getHeader()
                .getError();
    }

    @Test
    void d18_anotherClusterIsRefusedWhereItIsChecked() {
        RequestHeader wrong =
                header().toBuilder().setClusterId(client.pd().clusterId() + 1).build();

        assertThatThrownBy(() -> pd().getRegion(
                                GetRegionRequest.newBuilder().setHeader(wrong).build()))
                .satisfies(ClusterConformanceIT::isMismatch);
        Answers<TsoResponse> stream = new Answers<>();
        pdAsync()
                .tso(stream)
                .onNext(TsoRequest.newBuilder().setHeader(wrong).setCount(1).build());
        isMismatch(Objects.requireNonNull(stream.end()));
        assertThat(pd().getMembers(
                                GetMembersRequest.newBuilder().setHeader(wrong).build())
                        .getMembersCount())
                .isEqualTo(house.cluster().layout().pds());
        assertThat(pd().getClusterInfo(GetClusterInfoRequest.getDefaultInstance())
                        .getHeader()
                        .hasError())
                .isFalse();
    }

    private static void isMismatch(Throwable failure) {
        assertThat(Status.fromThrowable(failure).getCode()).isEqualTo(Status.Code.FAILED_PRECONDITION);
        assertThat(failure).hasMessageContaining("mismatch cluster id");
    }

    @Test
    void d19_regionsAreScannedFromTheOneThatHoldsTheKey() {
        split(PREFIX + "d19/b", PREFIX + "d19/d", PREFIX + "d19/f");

        List<ByteString> starts = pd()
                .scanRegions(ScanRegionsRequest.newBuilder()
                        .setHeader(header())
                        .setStartKey(border(PREFIX + "d19/c"))
                        .setLimit(2)
                        .build())
                .getRegionsList()
                .stream()
                .map(region -> region.getRegion().getStartKey())
                .toList();
        List<ByteString> between = pd()
                .scanRegions(ScanRegionsRequest.newBuilder()
                        .setHeader(header())
                        .setStartKey(border(PREFIX + "d19/c"))
                        .setEndKey(border(PREFIX + "d19/e"))
                        .build())
                .getRegionMetasList()
                .stream()
                .map(Region::getStartKey)
                .toList();

        assertThat(starts).isEqualTo(between).containsExactly(border(PREFIX + "d19/b"), border(PREFIX + "d19/d"));
    }

    @Test
    void d20_aSplitIsGivenNewIds() {
        Region region = seat("d20").region();

        AskBatchSplitResponse given = askSplit(region, 2);

        List<Long> ids = new ArrayList<>();
        for (SplitID id : given.getIdsList()) {
            ids.add(id.getNewRegionId());
            ids.addAll(id.getNewPeerIdsList());
        }
        assertThat(given.getIdsList()).hasSize(2);
        assertThat(ids).hasSize(8).doesNotHaveDuplicates().doesNotContain(region.getId());
        Region older = region.toBuilder()
                .setRegionEpoch(region.getRegionEpoch().toBuilder()
                        .setVersion(region.getRegionEpoch().getVersion() - 1))
                .build();
        assertThat(askSplit(older, 2).getHeader().getError().getType()).isEqualTo(ErrorType.UNKNOWN);
        assertThat(pd().askBatchSplit(AskBatchSplitRequest.newBuilder()
                                .setHeader(header())
                                .setSplitCount(1)
                                .build())
                        .getHeader()
                        .getError()
                        .getType())
                .isEqualTo(ErrorType.REGION_NOT_FOUND);
    }

    private static AskBatchSplitResponse askSplit(Region region, int pieces) {
        return pd().askBatchSplit(AskBatchSplitRequest.newBuilder()
                .setHeader(header())
                .setRegion(region)
                .setSplitCount(pieces)
                .build());
    }

    @Test
    void d24_theGcWorkerMustNotExpire() {
        assertThatThrownBy(() -> pd().updateServiceGCSafePoint(UpdateServiceGCSafePointRequest.newBuilder()
                        .setHeader(header())
                        .setServiceId(text("gc_worker"))
                        .setTTL(60)
                        .setSafePoint(1)
                        .build()))
                .hasMessageContaining("must be infinity");
    }

    /** Others take ids too. */
    @Test
    void d26_aBatchOfIdsIsToldByItsLast() {
        AllocIDResponse one = allocate(1);
        AllocIDResponse five = allocate(5);
        AllocIDResponse none = allocate(0);

        assertThat(five.getId()).isGreaterThanOrEqualTo(one.getId() + 5);
        assertThat(five.getCount()).isEqualTo(5);
        assertThat(none.getId()).isGreaterThan(five.getId());
        assertThat(none.getCount()).isZero();
    }

    private static AllocIDResponse allocate(int count) {
        return pd().allocID(AllocIDRequest.newBuilder()
                .setHeader(header())
                .setCount(count)
                .build());
    }

    // Where things are

    /**
     * Who leads the Region of a key, and has said so by answering.
     *
     * @param context of a request to it
     */
    private record Seat(Region region, Peer peer, Context context, TikvGrpc.TikvBlockingStub stub) {}

    private static Seat seat(String key) {
        return await().atMost(PATIENCE)
                .ignoreExceptions()
                .until(
                        () -> {
                            RegionLocation region = location(key);
                            Peer leader = Objects.requireNonNull(region.leader());
                            Context context = Context.newBuilder()
                                    .setRegionId(region.region().getId())
                                    .setRegionEpoch(region.region().getRegionEpoch())
                                    .setPeer(leader)
                                    .build();
                            return new Seat(region.region(), leader, context, store(leader.getStoreId()));
                        },
                        seat -> !get(seat.stub(), seat.context(), key).hasRegionError());
    }

    private static RegionLocation location(String key) throws Exception {
        return client.pd()
                .regionByKey(ByteKey.of(border(PREFIX + key)))
                .get(10, TimeUnit.SECONDS)
                .orElseThrow();
    }

    private static Optional<Peer> leader(String key) throws Exception {
        return Optional.ofNullable(location(key).leader());
    }

    private static TikvGrpc.TikvBlockingStub store(long storeId) {
        return TikvGrpc.newBlockingStub(channel(address(storeId)))
                .withDeadlineAfter(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }

    private static TikvGrpc.TikvStub async(long storeId) {
        return TikvGrpc.newStub(channel(address(storeId)));
    }

    private static String address(long storeId) {
        try {
            return client.pd().store(storeId).get(10, TimeUnit.SECONDS).getAddress();
        } catch (Exception e) {
            throw new IllegalStateException("no address of store " + storeId, e);
        }
    }

    private static ServiceProcess process(long storeId) {
        int port = Endpoint.parse(address(storeId)).port();
        return house.cluster().processes().stream()
                .filter(process -> process.spec().ports().containsValue(port))
                .findFirst()
                .orElseThrow();
    }

    private static PDGrpc.PDBlockingStub pd() {
        return PDGrpc.newBlockingStub(channel(pdLeader())).withDeadlineAfter(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }

    private static PDGrpc.PDStub pdAsync() {
        return PDGrpc.newStub(channel(pdLeader()));
    }

    private static String pdLeader() {
        return ClusterLayout.HOST + ":"
                + house.cluster().process(house.pdLeader()).spec().port("client");
    }

    private static RequestHeader header() {
        return RequestHeader.newBuilder().setClusterId(client.pd().clusterId()).build();
    }

    private static ManagedChannel channel(String address) {
        return CHANNELS.computeIfAbsent(address, known -> Channels.open(Endpoint.parse(known)));
    }

    private static Context on(Context context, long storeId, long peerId) {
        return context.toBuilder()
                .setPeer(Peer.newBuilder().setStoreId(storeId).setId(peerId))
                .build();
    }

    // What is asked

    private static GetRequest get(Context context, String key) {
        return GetRequest.newBuilder()
                .setContext(context)
                .setKey(text(PREFIX + key))
                .setVersion(now())
                .build();
    }

    private static GetResponse get(TikvGrpc.TikvBlockingStub stub, Context context, String key) {
        return stub.kvGet(get(context, key));
    }

    /** The Region error; the first key is the primary. */
    private static Error prewrite(TikvGrpc.TikvBlockingStub stub, Context context, long startTs, String... keys) {
        PrewriteRequest.Builder request = PrewriteRequest.newBuilder()
                .setContext(context)
                .setPrimaryLock(text(PREFIX + keys[0]))
                .setStartVersion(startTs)
                .setLockTtl(TTL_MS);
        for (String key : keys) {
            request.addMutations(Mutation.newBuilder()
                    .setOp(Op.Put)
                    .setKey(text(PREFIX + key))
                    .setValue(text("v")));
        }
        var answer = stub.kvPrewrite(request.build());
        assertThat(answer.getErrorsList()).isEmpty();
        return answer.getRegionError();
    }

    private static void commit(long startTs, String key) {
        Seat seat = seat(key);
        CommitResponse answer = seat.stub()
                .kvCommit(CommitRequest.newBuilder()
                        .setContext(seat.context())
                        .addKeys(text(PREFIX + key))
                        .setStartVersion(startTs)
                        .setCommitVersion(now())
                        .build());
        assertThat(answer.hasRegionError() || answer.hasError())
                .as("%s", answer)
                .isFalse();
    }

    private static List<String> locks(String key) {
        Seat seat = seat(key);
        return seat
                .stub()
                .kvScanLock(ScanLockRequest.newBuilder()
                        .setContext(seat.context())
                        .setMaxVersion(now())
                        .setLimit(100)
                        .build())
                .getLocksList()
                .stream()
                .map(LockInfo::getKey)
                .map(locked -> locked.toStringUtf8().substring(PREFIX.length()))
                .filter(locked -> locked.startsWith(key.substring(0, 3)))
                .toList();
    }

    /** Splits the Region of the first of these whole keys; until PD knows it. */
    private static SplitRegionResponse split(String... keys) {
        SplitRegionResponse answer = await().atMost(PATIENCE)
                .ignoreExceptions()
                .until(
                        () -> {
                            RegionLocation region = client.pd()
                                    .regionByKey(ByteKey.of(border(keys[0])))
                                    .get(10, TimeUnit.SECONDS)
                                    .orElseThrow();
                            Peer leader = Objects.requireNonNull(region.leader());
                            SplitRegionRequest.Builder request = SplitRegionRequest.newBuilder()
                                    .setContext(Context.newBuilder()
                                            .setRegionId(region.region().getId())
                                            .setRegionEpoch(region.region().getRegionEpoch())
                                            .setPeer(leader));
                            for (String key : keys) {
                                request.addSplitKeys(text(key));
                            }
                            return store(leader.getStoreId()).splitRegion(request.build());
                        },
                        response -> !response.hasRegionError());
        awaitKnown(answer.getRegionsList());
        return answer;
    }

    /** A split that is not done, and why. */
    private static Error refused(Seat seat, String... keys) {
        SplitRegionRequest.Builder request = SplitRegionRequest.newBuilder().setContext(seat.context());
        for (String key : keys) {
            request.addSplitKeys(text(PREFIX + key));
        }
        return seat.stub().splitRegion(request.build()).getRegionError();
    }

    /** R6: PD knows these Regions, and all Regions cover the key space without hole or overlap. */
    private static void awaitKnown(List<Region> regions) {
        await().atMost(PATIENCE).ignoreExceptions().untilAsserted(() -> {
            List<Region> all = client.pd().scanRegions(KeyRange.ALL, 0).get(10, TimeUnit.SECONDS).stream()
                    .map(RegionLocation::region)
                    .toList();
            assertThat(all).containsAll(regions);
            ByteString border = ByteString.EMPTY;
            for (Region region : all) {
                assertThat(region.getStartKey()).isEqualTo(border);
                border = region.getEndKey();
            }
            assertThat(border.isEmpty()).isTrue();
        });
    }

    private static long now() {
        try {
            return client.pd().timestamp().get(10, TimeUnit.SECONDS).value();
        } catch (Exception e) {
            throw new IllegalStateException("no timestamp", e);
        }
    }

    private static ByteString border(String key) {
        return ByteString.copyFrom(MemComparable.encode(text(key).toByteArray()));
    }

    private static ByteString text(String text) {
        return ByteString.copyFromUtf8(text);
    }

    private static Map<Long, BatchCommandsResponse.Response> byId(Answers<BatchCommandsResponse> stream, int count) {
        Map<Long, BatchCommandsResponse.Response> answers = new HashMap<>();
        while (answers.size() < count) {
            BatchCommandsResponse frame = stream.next();
            for (int i = 0; i < frame.getRequestIdsCount(); i++) {
                answers.put(frame.getRequestIds(i), frame.getResponses(i));
            }
        }
        return answers;
    }

    /** What a server says on a stream. */
    private static final class Answers<T> implements StreamObserver<T> {

        private final BlockingQueue<T> answers = new LinkedBlockingQueue<>();
        private final CompletableFuture<Optional<Throwable>> end = new CompletableFuture<>();

        @Override
        public void onNext(T answer) {
            answers.add(answer);
        }

        @Override
        public void onError(Throwable failure) {
            end.complete(Optional.of(failure));
        }

        @Override
        public void onCompleted() {
            end.complete(Optional.empty());
        }

        T next() {
            try {
                return Objects.requireNonNull(answers.poll(PATIENCE.toSeconds(), TimeUnit.SECONDS), "no answer");
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException(e);
            }
        }

        List<T> all() {
            return List.copyOf(answers);
        }

        /** Waits for it; null if it was in order. */
        @Nullable Throwable end() {
            return await().atMost(PATIENCE)
                    .until(() -> end, Future::isDone)
                    .join()
                    .orElse(null);
        }
    }
}
