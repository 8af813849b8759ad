package io.rutile.node.deadlock;

/**
 * One spell of this store as the leader of the cluster's first Region. Another term, or another Region after a split, is another
 * lead: nobody knows what happened in between.
 */
public record FirstRegionLead(long regionId, long term) {}
