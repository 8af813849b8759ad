package io.rutile.raft;

import com.alipay.sofa.jraft.util.SPI;
import com.alipay.sofa.jraft.util.timer.DefaultRaftTimerFactory;
import com.alipay.sofa.jraft.util.timer.Timeout;
import com.alipay.sofa.jraft.util.timer.Timer;
import com.alipay.sofa.jraft.util.timer.TimerTask;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Looks for a silent leader more often than JRaft does, which looks once in an election timeout and so may find it only after
 * two. How long a leader may be silent stays the same: JRaft checks that by itself whenever the timer fires. A split vote, too, is
 * tried again sooner.
 *
 * <p>Found by JRaft through its service file.
 */
@SPI(priority = 100)
public final class ElectionTimers extends DefaultRaftTimerFactory {

    private static final int LOOKS_PER_TIMEOUT = 4;
    private static final int VOTES_PER_TIMEOUT = 2;

    /** Made by JRaft's service loader. */
    public ElectionTimers() {}

    @Override
    public Timer getElectionTimer(boolean shared, String name) {
        return new QuickTimer(super.getElectionTimer(shared, name), LOOKS_PER_TIMEOUT);
    }

    @Override
    public Timer getVoteTimer(boolean shared, String name) {
        return new QuickTimer(super.getVoteTimer(shared, name), VOTES_PER_TIMEOUT);
    }

    /** A timer whose every delay is divided. */
    private record QuickTimer(Timer timer, int divisor) implements Timer {

        @Override
        public Timeout newTimeout(TimerTask task, long delay, TimeUnit unit) {
            return timer.newTimeout(task, unit.toMillis(delay) / divisor, TimeUnit.MILLISECONDS);
        }

        @Override
        public Set<Timeout> stop() {
            return timer.stop();
        }
    }
}
