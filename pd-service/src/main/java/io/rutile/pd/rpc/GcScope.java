package io.rutile.pd.rpc;

import io.rutile.pd.meta.MetaStore;
import io.rutile.protocol.apipb.KeyspaceIdentity;
import io.rutile.protocol.pdpb.KeyspaceScope;

/**
 * Whom a request about garbage collection means. All keyspaces share the safe points of the whole cluster: whoever asks about
 * one of them is answered with those, and nobody can move them in the name of one.
 */
final class GcScope {

    /** "No keyspace", in any field that names one: ids have 24 bits, this is outside. */
    static final int WHOLE_CLUSTER = 0xffff_ffff;

    private static final int ID_BITS = 0xff_ffff;

    private GcScope() {}

    static KeyspaceScope wholeCluster() {
        return KeyspaceScope.newBuilder().setKeyspaceId(WHOLE_CLUSTER).build();
    }

    /** For questions and barriers. @throws PdError if it names a keyspace that does not exist */
    static void checkKnown(KeyspaceScope scope, MetaStore meta) {
        if (scope.hasKeyspaceIdentity() || scope.hasKeyspaceId()) {
            checkKnown(scope.hasKeyspaceIdentity(), scope.getKeyspaceIdentity(), scope.getKeyspaceId(), meta);
        }
    }

    /**
     * As above, of a message that names a keyspace in one of two ways. There is one namespace, and its id is 0.
     *
     * @param identified whether it is the first way
     */
    static void checkKnown(boolean identified, KeyspaceIdentity identity, int id, MetaStore meta) {
        int keyspaceId = identified ? identity.getKeyspaceId() : id;
        boolean elsewhere = identified && identity.getNamespaceId() != 0;
        if (elsewhere
                || (!isWholeCluster(keyspaceId)
                        && meta.state().keyspaces().byId(keyspaceId).isEmpty())) {
            throw PdError.keyspaceNotFound(keyspaceId);
        }
    }

    /** For moving safe points. @throws PdError if it names a keyspace */
    static void checkWholeCluster(KeyspaceScope scope) {
        boolean keyspace = scope.hasKeyspaceIdentity()
                ? !isWholeCluster(scope.getKeyspaceIdentity().getKeyspaceId())
                : scope.hasKeyspaceId() && !isWholeCluster(scope.getKeyspaceId());
        if (keyspace) {
            throw PdError.unknown("keyspaces have no safe points of their own: they follow those of the whole cluster");
        }
    }

    private static boolean isWholeCluster(int keyspaceId) {
        return (keyspaceId & ~ID_BITS) != 0;
    }
}
