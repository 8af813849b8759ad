package com.alipay.sofa.jraft.util;

import java.util.List;
import org.jspecify.annotations.NullMarked;

/**
 * Rutile's own, in the place of JRaft's class of this name: it takes no signal of the process. JRaft's would take SIGUSR2, with which
 * HotSpot stops a thread to look at its stack; a flight recording of a store then has no stacks, and writes a file about each group
 * for each of the signals instead. See docs/decisions/0002-pooled-disruptors.md.
 */
@NullMarked
public final class SignalHelper {

    public static final String SIG_USR2 = "USR2";

    private SignalHelper() {}

    /** Never: JRaft then registers nothing. */
    public static boolean supportSignal() {
        return false;
    }

    /** Registers nothing. */
    public static boolean addSignal(String signalName, List<JRaftSignalHandler> handlers) {
        return false;
    }
}
