package io.rutile.raft.transport;

import java.util.ArrayList;

/**
 * What one thread sends in a row leaves in as few frames as it fits in: a stream that is offered calls while a gathering is open
 * on the thread sends them when it ends, or before if they fill a frame.
 *
 * <p>Threads: each has its own. What the body has sent must not wait for
 * anything that the body does afterwards.
 */
public final class Gathering {

    private static final ThreadLocal<Gathering> MINE = ThreadLocal.withInitial(Gathering::new);

    /** Few: one for each other store. */
    private final ArrayList<FrameSender> senders = new ArrayList<>();

    private boolean open;

    private Gathering() {}

    /** Runs the body; what it has sent is on its way when this returns. Inside another gathering it only runs the body. */
    public static void run(Runnable body) {
        Gathering mine = MINE.get();
        if (mine.open) {
            body.run();
            return;
        }
        mine.open = true;
        try {
            body.run();
        } finally {
            mine.open = false;
            mine.send();
        }
    }

    /** @return false if no gathering is open on this thread: the sender sends at once */
    static boolean take(FrameSender sender) {
        Gathering mine = MINE.get();
        if (!mine.open) {
            return false;
        }
        if (!mine.senders.contains(sender)) {
            mine.senders.add(sender);
        }
        return true;
    }

    private void send() {
        for (FrameSender sender : senders) {
            sender.wake();
        }
        senders.clear();
    }
}
