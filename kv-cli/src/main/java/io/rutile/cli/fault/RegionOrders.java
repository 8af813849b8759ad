package io.rutile.cli.fault;

/** Has Regions changed by the Placement Driver. */
public interface RegionOrders {

    /** For a nemesis that orders nothing. */
    RegionOrders NONE = (fault, key, draw) -> false;

    /**
     * Orders one change; what becomes of it is not waited for.
     *
     * @param fault transfer, move or merge
     * @param key of a transaction in the Region that is meant
     * @param draw decides between the stores or neighbours that come into question
     * @return false if it can't be had: there is no other store, the Region is under way already, nobody answers
     */
    boolean order(Fault fault, String key, long draw) throws InterruptedException;
}
