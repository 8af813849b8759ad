package io.rutile.pd.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.pd.meta.KeyspaceRecord;
import io.rutile.pd.rpc.LocalPd.Answers;
import io.rutile.protocol.apipb.KeyspaceIdentity;
import io.rutile.protocol.keyspacepb.GetAllKeyspacesRequest;
import io.rutile.protocol.keyspacepb.KeyspaceGrpc;
import io.rutile.protocol.keyspacepb.KeyspaceMeta;
import io.rutile.protocol.keyspacepb.KeyspaceState;
import io.rutile.protocol.keyspacepb.LoadKeyspaceByIDRequest;
import io.rutile.protocol.keyspacepb.LoadKeyspaceRequest;
import io.rutile.protocol.keyspacepb.LoadKeyspaceResponse;
import io.rutile.protocol.keyspacepb.LookupKeyspaceRequest;
import io.rutile.protocol.keyspacepb.NamespaceRef;
import io.rutile.protocol.keyspacepb.UpdateKeyspaceStateRequest;
import io.rutile.protocol.keyspacepb.UpdateKeyspaceStateResponse;
import io.rutile.protocol.keyspacepb.WatchKeyspacesRequest;
import io.rutile.protocol.keyspacepb.WatchKeyspacesResponse;
import io.rutile.protocol.pdpb.ErrorType;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Keyspaces over a real port. */
class KeyspaceServiceTest {

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
    void keyspaceIsNotThereBeforeTheClusterIs() {
        assertThat(load("DEFAULT").getHeader().getError().getType()).isEqualTo(ErrorType.NOT_BOOTSTRAPPED);
    }

    @Test
    void defaultKeyspaceIsThereFromBootstrap() {
        pd.bootstrapped();

        KeyspaceMeta keyspace = load("DEFAULT").getKeyspace();

        assertThat(keyspace.hasId()).isTrue();
        assertThat(keyspace.getId()).isZero();
        assertThat(keyspace.getName()).isEqualTo("DEFAULT");
        assertThat(keyspace.getState()).isEqualTo(KeyspaceState.ENABLED);
        assertThat(load("nobody").getHeader().getError().getType()).isEqualTo(ErrorType.ENTRY_NOT_FOUND);
        assertThat(load("").getHeader().getError().getType()).isEqualTo(ErrorType.ENTRY_NOT_FOUND);
    }

    @Test
    void keyspaceIsFoundByIdInBothForms() {
        pd.bootstrapped();
        create("tenant");

        assertThat(byId(LoadKeyspaceByIDRequest.newBuilder().setId(1))
                        .getKeyspace()
                        .getName())
                .isEqualTo("tenant");
        assertThat(byId(LoadKeyspaceByIDRequest.newBuilder()
                                .setKeyspaceIdentity(
                                        KeyspaceIdentity.newBuilder().setKeyspaceId(1)))
                        .getKeyspace()
                        .getName())
                .isEqualTo("tenant");
        assertThat(byId(LoadKeyspaceByIDRequest.newBuilder().setId(2))
                        .getHeader()
                        .getError()
                        .getType())
                .isEqualTo(ErrorType.ENTRY_NOT_FOUND);
        assertThat(byId(LoadKeyspaceByIDRequest.newBuilder()
                                .setKeyspaceIdentity(KeyspaceIdentity.newBuilder()
                                        .setNamespaceId(3)
                                        .setKeyspaceId(1)))
                        .getHeader()
                        .getError()
                        .getType())
                .isEqualTo(ErrorType.ENTRY_NOT_FOUND);
    }

    @Test
    void keyspacesAreListedById() {
        pd.bootstrapped();
        create("b");
        create("a");

        assertThat(names(0, 0)).containsExactly("DEFAULT", "b", "a");
        assertThat(names(1, 1)).containsExactly("b");
        assertThat(names(3, 0)).isEmpty();
        assertThat(names(-1, 0)).isEmpty();
        assertThat(stub().lookupKeyspace(LookupKeyspaceRequest.newBuilder()
                                .setHeader(pd.header())
                                .setName("a")
                                .build())
                        .getKeyspacesList())
                .extracting(KeyspaceMeta::getId)
                .containsExactly(2);
        assertThat(stub().getAllKeyspaces(GetAllKeyspacesRequest.newBuilder()
                                .setHeader(pd.header())
                                .setNamespace(NamespaceRef.newBuilder().setNamespaceName("other"))
                                .build())
                        .getHeader()
                        .getError()
                        .getType())
                .isEqualTo(ErrorType.ENTRY_NOT_FOUND);
    }

    @Test
    void stateIsChangedStepByStep() {
        pd.bootstrapped();
        create("tenant");

        UpdateKeyspaceStateResponse disabled = change(1, KeyspaceState.DISABLED);

        assertThat(disabled.getKeyspace().getState()).isEqualTo(KeyspaceState.DISABLED);
        assertThat(disabled.getKeyspace().getStateChangedAt()).isPositive();
        assertThat(load("tenant").getKeyspace().getState()).isEqualTo(KeyspaceState.DISABLED);
        assertThat(change(1, KeyspaceState.TOMBSTONE).getHeader().getError().getType())
                .isEqualTo(ErrorType.INVALID_VALUE);
        assertThat(change(0, KeyspaceState.DISABLED).getHeader().getError().getType())
                .isEqualTo(ErrorType.INVALID_VALUE);
        assertThat(change(9, KeyspaceState.DISABLED).getHeader().getError().getType())
                .isEqualTo(ErrorType.ENTRY_NOT_FOUND);
        assertThat(stub().updateKeyspaceState(UpdateKeyspaceStateRequest.newBuilder()
                                .setHeader(pd.header())
                                .setId(1)
                                .setStateValue(77)
                                .build())
                        .getHeader()
                        .getError()
                        .getType())
                .isEqualTo(ErrorType.INVALID_VALUE);
    }

    @Test
    void watchTellsAllFirstAndThenWhatChanged() {
        pd.bootstrapped();
        Answers<WatchKeyspacesResponse> watch = new Answers<>();
        KeyspaceGrpc.newStub(pd.channel())
                .watchKeyspaces(
                        WatchKeyspacesRequest.newBuilder()
                                .setHeader(pd.header())
                                .build(),
                        watch);
        assertThat(watch.next().getKeyspacesList())
                .extracting(KeyspaceMeta::getName)
                .containsExactly("DEFAULT");

        create("tenant");
        assertThat(watch.next().getKeyspacesList())
                .extracting(KeyspaceMeta::getName)
                .containsExactly("tenant");
        change(1, KeyspaceState.DISABLED);
        assertThat(watch.next().getKeyspacesList())
                .extracting(KeyspaceMeta::getState)
                .containsExactly(KeyspaceState.DISABLED);
    }

    @Test
    void watchBeforeBootstrapIsOneMessageAndTheEnd() {
        Answers<WatchKeyspacesResponse> watch = new Answers<>();
        KeyspaceGrpc.newStub(pd.channel())
                .watchKeyspaces(
                        WatchKeyspacesRequest.newBuilder()
                                .setHeader(pd.header())
                                .build(),
                        watch);

        assertThat(watch.next().getHeader().getError().getType()).isEqualTo(ErrorType.NOT_BOOTSTRAPPED);
        assertThat(watch.end()).isNull();
    }

    private KeyspaceGrpc.KeyspaceBlockingStub stub() {
        return KeyspaceGrpc.newBlockingStub(pd.channel());
    }

    private void create(String name) {
        pd.meta.propose(new KeyspaceRecord.CreateKeyspace(name, 1));
    }

    private LoadKeyspaceResponse load(String name) {
        return stub().loadKeyspace(LoadKeyspaceRequest.newBuilder()
                .setHeader(pd.header())
                .setName(name)
                .build());
    }

    private LoadKeyspaceResponse byId(LoadKeyspaceByIDRequest.Builder request) {
        return stub().loadKeyspaceByID(request.setHeader(pd.header()).build());
    }

    private List<String> names(int from, int limit) {
        return stub()
                .getAllKeyspaces(GetAllKeyspacesRequest.newBuilder()
                        .setHeader(pd.header())
                        .setStartId(from)
                        .setLimit(limit)
                        .build())
                .getKeyspacesList()
                .stream()
                .map(KeyspaceMeta::getName)
                .toList();
    }

    private UpdateKeyspaceStateResponse change(int id, KeyspaceState state) {
        return stub().updateKeyspaceState(UpdateKeyspaceStateRequest.newBuilder()
                .setHeader(pd.header())
                .setId(id)
                .setState(state)
                .build());
    }
}
