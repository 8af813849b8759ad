package io.rutile.node.gc;

import io.rutile.protocol.kvrpcpb.Context;

/**
 * A Region that this store leads, as garbage collection sees it.
 *
 * @param request what a request to it would say
 * @param term of this store's leadership; what was written under another leader is not counted here
 * @param writes grows with every write that is applied to this replica
 */
public record GcRegion(Context request, long term, long writes) {

    long id() {
        return request.getRegionId();
    }

    /** False after a split, a merge or a change of leader: then what is known of the other says nothing about this one. */
    boolean isSameAs(GcRegion other) {
        return id() == other.id() && version() == other.version() && term == other.term;
    }

    private long version() {
        return request.getRegionEpoch().getVersion();
    }
}
