package io.rutile.cli.fault;

/** Splits Regions, for a nemesis. */
public interface RegionSplitter {

    /**
     * Splits the Region of a transactional key in front of that key.
     *
     * @return true once a Region begins with the key, whoever split it; false if that was not to be had in a few seconds
     */
    boolean split(String key) throws InterruptedException;
}
