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
 * <p>Timers of all groups go off on the ticks of one clock, up to a tick later than they might: thousands of looks a second would otherwise wake
 * a thread each.
 *
 * <p>Found by JRaft through its service file.
 */
@SPI(priority = 100)
public final class ElectionTimers extends DefaultRaftTimerFactory {

    private static final int LOOKS_PER_TIMEOUT = 4;
    private static final int VOTES_PER_TIMEOUT = 2;
    private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    /** Made by JRaft's service loader. */
    public ElectionTimers() {}

    @Override
    public Timer getElectionTimer(boolean shared, String name) {
        return new TickingTimer(super.getElectionTimer(shared, name), LOOKS_PER_TIMEOUT);
    }

    @Override
    public Timer getVoteTimer(boolean shared, String name) {
        return new TickingTimer(super.getVoteTimer(shared, name), VOTES_PER_TIMEOUT);
    }

    @Override
    public Timer getStepDownTimer(boolean shared, String name) {
        return new TickingTimer(super.getStepDownTimer(shared, name), 1);
    }

    /** A timer whose every delay is divided, and ends on a tick. */
    private record TickingTimer(Timer timer, int divisor) implements Timer {

        @Override
        public Timeout newTimeout(TimerTask task, long delay, TimeUnit unit) {
            long nanos = untilTick(System.nanoTime(), unit.toNanos(delay) / divisor);
            return timer.newTimeout(task, nanos, TimeUnit.NANOSECONDS);
        }

        @Override
        public Set<Timeout> stop() {
            return timer.stop();
        }
    }

    /** The shortest delay, no shorter than that one, whose end is on a tick. */
    static long untilTick(long nowNanos, long delayNanos) {
        return delayNanos + Math.floorMod(-(nowNanos + delayNanos), TICK_NANOS);
    }
}
