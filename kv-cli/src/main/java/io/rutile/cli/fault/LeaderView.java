package io.rutile.cli.fault;

import java.util.Optional;

/** Who leads, for a nemesis that aims at the leader. */
public interface LeaderView {

    /** The name of the leader's process; empty if nobody is known to lead. Waits for seconds at most. */
    Optional<String> process() throws InterruptedException;
}
