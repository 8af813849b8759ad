package io.rutile.client.region;

/**
 * The Region no longer holds everything that a request is about: whoever put the request together takes it apart again. An expected
 * outcome: it carries no stack trace.
 */
public final class RegionChanged extends RuntimeException {

    RegionChanged(long regionId) {
        super("region " + regionId + " does not hold all of the request", null, false, false);
    }
}
