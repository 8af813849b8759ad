package io.rutile.pd.gc;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.grpc.ChannelCredentials;
import io.grpc.StatusRuntimeException;
import io.rutile.pd.cluster.ClusterState;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.cluster.StoreInfo;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.kvrpcpb.APIVersion;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.tikvpb.TikvGrpc.TikvBlockingStub;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Calls to the leader of whatever Region holds a place, by PD's own view. A Region that has moved on is looked up again after
 * a pause, until a heartbeat has told of it: the number of attempts is bounded, and so is each of them.
 *
 * <p>Used by one thread.
 */
final class RegionCalls implements AutoCloseable {

    private final ClusterState cluster;
    private final StoreChannels channels;
    private final Patience patience;
    /** What the stores serve is theirs to say: the first refusal tells. */
    private APIVersion apiVersion = APIVersion.V1;

    /**
     * How long to try.
     *
     * @param attemptsMax of one call
     * @param callMax deadline of each attempt
     * @param pause what lies between two of them
     */
    record Patience(int attemptsMax, Duration callMax, Pause pause) {

        static final Patience DEFAULT = new Patience(20, Duration.ofSeconds(5), () -> Thread.sleep(500));
    }

    /** Waits a moment. */
    interface Pause {
        void take() throws InterruptedException;
    }

    /** One call to one Region's leader. */
    interface RegionRequest<A extends Message> {
        A send(TikvBlockingStub store, Context context, RegionInfo region);
    }

    /**
     * What a Region's leader said.
     *
     * @param region as it was addressed; its epoch was the store's
     */
    record Answered<A>(RegionInfo region, A answer) {}

    /** @param credentials how connections to stores are secured */
    RegionCalls(ClusterState cluster, ChannelCredentials credentials, Patience patience) {
        this.cluster = cluster;
        this.channels = new StoreChannels(credentials);
        this.patience = patience;
    }

    /**
     * Sends until an answer is none about the Region itself.
     *
     * @throws SweepException if there was none in time
     */
    <A extends Message> Answered<A> call(ByteKey place, RegionRequest<A> request)
            throws SweepException, InterruptedException {
        Attempt attempt = new Attempt("a part of the keys is in no region that is known", null);
        for (int left = patience.attemptsMax(); left > 0; left--) {
            RegionInfo region = cluster.regionByKey(place).orElse(null);
            if (region != null) {
                Peer leader = attempt.leaderOf(region);
                String address = leader == null ? null : address(leader);
                if (leader == null || address == null) {
                    attempt = new Attempt("region " + region.id() + " has no leader that is known", null);
                } else {
                    try {
                        A answer = request.send(
                                channels.to(address)
                                        .withDeadlineAfter(patience.callMax().toMillis(), TimeUnit.MILLISECONDS),
                                context(region, leader),
                                region);
                        Error error = regionError(answer);
                        if (error == null && !isOtherVersion(answer)) {
                            return new Answered<>(region, answer);
                        }
                        attempt = error == null
                                ? new Attempt("region " + region.id() + " serves another API version", leader)
                                : Attempt.after(region, leader, error);
                    } catch (StatusRuntimeException | IllegalArgumentException e) {
                        attempt = new Attempt(
                                "region " + region.id() + " on store " + leader.getStoreId() + ": " + reason(e), null);
                    }
                }
            }
            if (left > 1) {
                patience.pause().take();
            }
        }
        throw new SweepException(attempt.trouble());
    }

    /** A moment, for what only time solves. */
    void pause() throws InterruptedException {
        patience.pause().take();
    }

    /** How often something may be tried that is not a single call. */
    int attemptsMax() {
        return patience.attemptsMax();
    }

    /** Forgets stores that have gone. */
    void tidy() {
        Set<String> addresses = cluster.stores().stream()
                .map(store -> store.store().getAddress())
                .collect(Collectors.toSet());
        channels.retain(addresses);
    }

    /**
     * What the last attempt taught.
     *
     * @param hint who leads instead, if the store said so
     */
    private record Attempt(String trouble, @Nullable Peer hint) {

        static Attempt after(RegionInfo region, Peer asked, Error error) {
            Peer leader = error.getNotLeader().getLeader();
            return new Attempt(
                    "region " + region.id() + " on store " + asked.getStoreId() + ": " + error.getMessage(),
                    leader.getStoreId() == 0 ? null : leader);
        }

        /** A hint is good for the Region that it was given about. */
        @Nullable Peer leaderOf(RegionInfo region) {
            return hint != null && region.peers().contains(hint) ? hint : region.leader();
        }
    }

    /** Without the description, which is the store's and might tell a key (E3). */
    private static String reason(RuntimeException failure) {
        return failure instanceof StatusRuntimeException status
                ? status.getStatus().getCode().toString()
                : "its address makes no sense";
    }

    private @Nullable String address(Peer leader) {
        StoreInfo store = cluster.store(leader.getStoreId());
        return store == null ? null : store.store().getAddress();
    }

    private Context context(RegionInfo region, Peer leader) {
        return Context.newBuilder()
                .setRegionId(region.id())
                .setRegionEpoch(region.epoch())
                .setPeer(leader)
                .setApiVersion(apiVersion)
                .setRequestSource("pd_gc")
                .build();
    }

    private static @Nullable Error regionError(Message answer) {
        FieldDescriptor field = answer.getDescriptorForType().findFieldByName("region_error");
        return field != null && answer.hasField(field) ? (Error) answer.getField(field) : null;
    }

    /** True if the answer is a refusal of V1; from then on V2 is spoken. */
    private boolean isOtherVersion(Message answer) {
        FieldDescriptor field = answer.getDescriptorForType().findFieldByName("error");
        boolean other = apiVersion == APIVersion.V1
                && field != null
                && !field.isRepeated()
                && answer.getField(field) instanceof KeyError error
                && error.getAbort().contains("ApiVersionNotMatched");
        if (other) {
            apiVersion = APIVersion.V2;
        }
        return other;
    }

    @Override
    public void close() {
        channels.close();
    }
}
