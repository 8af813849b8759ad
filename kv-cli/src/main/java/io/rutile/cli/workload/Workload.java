package io.rutile.cli.workload;

import io.rutile.cli.check.HistoryHeader;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** What clients do, over and over. Safe from any thread; a client is a thread. */
public interface Workload {

    /** As in {@link HistoryHeader}. */
    String name();

    /** What its checker must know, for {@link HistoryHeader}. */
    Map<String, Long> parameters();

    /** Keys that a Region may be split in front of, so that what belongs together lies in several. Never empty. */
    List<String> splitKeys();

    /** Puts the first data there; may be run again over what it began. */
    void prepare(TxnClient client) throws InterruptedException;

    /** One transaction. */
    void step(TxnClient client, SplittableRandom random);

    /** Reads all that was written, after the last step of all clients. */
    void finish(TxnClient client) throws InterruptedException;
}
