package io.rutile.pd.rpc;

import static io.rutile.pd.rpc.PdCalls.now;

import com.google.protobuf.Message;
import io.grpc.stub.StreamObserver;
import io.rutile.pd.leader.LeaderTerm;
import io.rutile.pd.meta.KeyspaceRecord;
import io.rutile.pd.meta.MetaState;
import io.rutile.pd.meta.MetaStore;
import io.rutile.protocol.apipb.KeyspaceIdentity;
import io.rutile.protocol.keyspacepb.GetAllKeyspacesRequest;
import io.rutile.protocol.keyspacepb.GetAllKeyspacesResponse;
import io.rutile.protocol.keyspacepb.KeyspaceGrpc;
import io.rutile.protocol.keyspacepb.KeyspaceMeta;
import io.rutile.protocol.keyspacepb.KeyspaceState;
import io.rutile.protocol.keyspacepb.LoadKeyspaceByIDRequest;
import io.rutile.protocol.keyspacepb.LoadKeyspaceRequest;
import io.rutile.protocol.keyspacepb.LoadKeyspaceResponse;
import io.rutile.protocol.keyspacepb.LookupKeyspaceRequest;
import io.rutile.protocol.keyspacepb.LookupKeyspaceResponse;
import io.rutile.protocol.keyspacepb.NamespaceRef;
import io.rutile.protocol.keyspacepb.UpdateKeyspaceStateRequest;
import io.rutile.protocol.keyspacepb.UpdateKeyspaceStateResponse;
import io.rutile.protocol.keyspacepb.WatchKeyspacesRequest;
import io.rutile.protocol.keyspacepb.WatchKeyspacesResponse;
import io.rutile.protocol.pdpb.ErrorType;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** {@code keyspacepb.Keyspace}: what keyspaces there are. There is one namespace, which has the id 0 and needs no name. */
final class KeyspaceService extends KeyspaceGrpc.KeyspaceImplBase {

    private final PdCalls calls;
    private final MetaStore meta;
    private final StateStreams streams;

    KeyspaceService(PdCalls calls, MetaStore meta, StateStreams streams) {
        this.calls = calls;
        this.meta = meta;
        this.streams = streams;
    }

    @Override
    public void loadKeyspace(LoadKeyspaceRequest r, StreamObserver<LoadKeyspaceResponse> out) {
        calls.bootstrapped(r.getHeader(), LoadKeyspaceResponse.getDefaultInstance(), out, t -> byName(r));
    }

    @Override
    public void lookupKeyspace(LookupKeyspaceRequest r, StreamObserver<LookupKeyspaceResponse> out) {
        calls.bootstrapped(r.getHeader(), LookupKeyspaceResponse.getDefaultInstance(), out, t -> lookup(r));
    }

    @Override
    public void loadKeyspaceByID(LoadKeyspaceByIDRequest r, StreamObserver<LoadKeyspaceResponse> out) {
        calls.bootstrapped(r.getHeader(), LoadKeyspaceResponse.getDefaultInstance(), out, t -> byId(r));
    }

    @Override
    public void getAllKeyspaces(GetAllKeyspacesRequest r, StreamObserver<GetAllKeyspacesResponse> out) {
        calls.bootstrapped(r.getHeader(), GetAllKeyspacesResponse.getDefaultInstance(), out, t -> all(r));
    }

    @Override
    public void updateKeyspaceState(UpdateKeyspaceStateRequest r, StreamObserver<UpdateKeyspaceStateResponse> out) {
        calls.bootstrapped(r.getHeader(), UpdateKeyspaceStateResponse.getDefaultInstance(), out, t -> change(t, r));
    }

    @Override
    public void watchKeyspaces(WatchKeyspacesRequest r, StreamObserver<WatchKeyspacesResponse> out) {
        streams.open(r.getHeader(), WatchKeyspacesResponse.getDefaultInstance(), out, KeyspaceService::news);
    }

    private CompletableFuture<? extends Message.Builder> byName(LoadKeyspaceRequest request) {
        checkNamespace(request.getNamespace());
        KeyspaceMeta keyspace = meta.state()
                .keyspaces()
                .named(request.getName())
                .orElseThrow(() ->
                        new PdError(ErrorType.ENTRY_NOT_FOUND, "keyspace '" + request.getName() + "' does not exist"));
        return now(LoadKeyspaceResponse.newBuilder().setKeyspace(keyspace));
    }

    private CompletableFuture<? extends Message.Builder> lookup(LookupKeyspaceRequest request) {
        LookupKeyspaceResponse.Builder response = LookupKeyspaceResponse.newBuilder();
        meta.state().keyspaces().named(request.getName()).ifPresent(response::addKeyspaces);
        return now(response);
    }

    private CompletableFuture<? extends Message.Builder> byId(LoadKeyspaceByIDRequest request) {
        int id = id(request.hasKeyspaceIdentity(), request.getKeyspaceIdentity(), request.getId());
        return now(LoadKeyspaceResponse.newBuilder().setKeyspace(existing(id)));
    }

    private CompletableFuture<? extends Message.Builder> all(GetAllKeyspacesRequest request) {
        checkNamespace(request.getNamespace());
        int from = request.hasStartKeyspaceIdentity()
                ? request.getStartKeyspaceIdentity().getKeyspaceId()
                : request.getStartId();
        // Unsigned on the wire: what is negative here is beyond every id, or more than there are.
        return now(GetAllKeyspacesResponse.newBuilder()
                .addAllKeyspaces(meta.state()
                        .keyspaces()
                        .from(from < 0 ? Integer.MAX_VALUE : from, Math.max(0, request.getLimit()))));
    }

    private CompletableFuture<? extends Message.Builder> change(LeaderTerm term, UpdateKeyspaceStateRequest request) {
        int id = id(request.hasKeyspaceIdentity(), request.getKeyspaceIdentity(), request.getId());
        if (request.getState() == KeyspaceState.UNRECOGNIZED) {
            throw new PdError(ErrorType.INVALID_VALUE, "no such keyspace state");
        }
        long atSeconds = TimeUnit.MILLISECONDS.toSeconds(term.nowMs());
        return term.propose(new KeyspaceRecord.ChangeKeyspaceState(id, request.getState(), atSeconds))
                .thenApply(outcome -> {
                    PdHeaders.accepted(outcome);
                    return UpdateKeyspaceStateResponse.newBuilder().setKeyspace(existing(id));
                });
    }

    private KeyspaceMeta existing(int id) {
        return meta.state().keyspaces().byId(id).orElseThrow(() -> PdError.keyspaceNotFound(id));
    }

    private static int id(boolean identified, KeyspaceIdentity identity, int id) {
        if (identified && identity.getNamespaceId() != 0) {
            throw PdError.keyspaceNotFound(identity.getKeyspaceId());
        }
        return identified ? identity.getKeyspaceId() : id;
    }

    private static void checkNamespace(NamespaceRef namespace) {
        if (namespace.getNamespaceId() != 0 || !namespace.getNamespaceName().isEmpty()) {
            throw new PdError(ErrorType.ENTRY_NOT_FOUND, "no such namespace");
        }
    }

    private static Optional<WatchKeyspacesResponse.Builder> news(@Nullable MetaState told, MetaState state) {
        WatchKeyspacesResponse.Builder response = WatchKeyspacesResponse.newBuilder();
        for (KeyspaceMeta keyspace : state.keyspaces().all()) {
            if (told == null || !keyspace.equals(told.keyspaces().byId().get(keyspace.getId()))) {
                response.addKeyspaces(keyspace);
            }
        }
        return response.getKeyspacesCount() == 0 ? Optional.empty() : Optional.of(response);
    }
}
