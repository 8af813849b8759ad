package io.rutile.cli.fault;

import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.cluster.LocalCluster;
import io.rutile.cli.cluster.Role;
import io.rutile.cli.cluster.ServiceProcess;
import io.rutile.cli.fault.FaultSchedule.Planned;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Does one fault after the other to a cluster, until it is closed; then everything runs again.
 *
 * <p>Leaders are moved by what makes them move where nobody orders it: an orderly stop, which hands leadership over, or a freeze that
 * outlasts the election timeout. Regions are split in between, as any client may, and changed by order of the Placement Driver, which
 * nobody waits for, so that processes die in the middle of it.
 *
 * <p>Threads: one of its own; {@link #close} waits for it.
 */
public final class Nemesis implements AutoCloseable {

    private static final Duration RESTART_MAX = Duration.ofSeconds(120);

    /** A restart, twice. */
    private static final Duration CLOSE_MAX = Duration.ofSeconds(300);

    private static final Duration ABANDON_MAX = Duration.ofSeconds(5);

    private final LocalCluster cluster;
    private final LeaderView leader;
    private final RegionSplitter splitter;
    private final RegionOrders orders;
    private final FaultSchedule schedule;
    private final Consumer<String> log;
    private final long startNanos = System.nanoTime();
    private final CountDownLatch closed = new CountDownLatch(1);
    private final Thread thread = new Thread(this::run, "nemesis");
    private volatile boolean abandoned;

    /** All guarded by this. */
    private final Map<Fault, Integer> done = new EnumMap<>(Fault.class);

    private final List<Blackout> blackouts = new ArrayList<>();
    private int leaderChanges;
    private String now = "calm";
    private @Nullable String lastLeader;
    private @Nullable RuntimeException broken;

    private Nemesis(
            LocalCluster cluster,
            LeaderView leader,
            RegionSplitter splitter,
            RegionOrders orders,
            FaultSchedule schedule,
            Consumer<String> log) {
        this.cluster = cluster;
        this.leader = leader;
        this.splitter = splitter;
        this.orders = orders;
        this.schedule = schedule;
        this.log = log;
    }

    /**
     * Starts to do harm.
     *
     * @param cluster started by the caller; its nodes and, now and then, its Placement Driver suffer
     * @param leader who is aimed at
     * @param splitter splits Regions
     * @param orders has them changed by the Placement Driver
     * @param log takes a line for each fault and each recovery, in the thread of the nemesis
     */
    public static Nemesis start(
            LocalCluster cluster,
            LeaderView leader,
            RegionSplitter splitter,
            RegionOrders orders,
            Harm harm,
            Consumer<String> log) {
        FaultSchedule schedule = new FaultSchedule(names(cluster, Role.NODE), names(cluster, Role.PD), harm);
        Nemesis nemesis = new Nemesis(cluster, leader, splitter, orders, schedule, log);
        nemesis.thread.start();
        return nemesis;
    }

    private static List<String> names(LocalCluster cluster, Role role) {
        return cluster.processes(role).stream().map(ServiceProcess::name).toList();
    }

    /** What is broken now, for a line of progress. */
    public synchronized String now() {
        return now;
    }

    /**
     * A time in which no node ran, by {@link System#nanoTime}.
     *
     * @param endNanos when all served again
     */
    public record Blackout(long beginNanos, long endNanos) {}

    /** Those that are over. */
    public synchronized List<Blackout> blackouts() {
        return List.copyOf(blackouts);
    }

    /** How often each fault was done; a split that could not be had is none, and an order counts once PD has taken it. */
    public synchronized Map<Fault, Integer> done() {
        return Map.copyOf(done);
    }

    /** How often the leader was seen to be another one than before. */
    public synchronized int leaderChanges() {
        return leaderChanges;
    }

    /**
     * Ends the harm and waits until every process serves again.
     *
     * @throws ClusterException if one doesn't, or didn't after a fault: then the cluster is what is broken
     */
    @Override
    public void close() {
        closed.countDown();
        try {
            thread.join(CLOSE_MAX.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (thread.isAlive()) {
            throw new ClusterException("the nemesis did not end in " + CLOSE_MAX.toSeconds() + " s");
        }
        synchronized (this) {
            if (broken != null) {
                throw broken;
            }
        }
    }

    /** Ends the harm and heals nothing: for someone who ends the cluster. Waits for what is under way, for a moment. */
    public void abandon() {
        abandoned = true;
        closed.countDown();
        thread.interrupt();
        try {
            thread.join(ABANDON_MAX.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        try {
            while (true) {
                Planned planned = schedule.next();
                observeLeader();
                if (closed.await(planned.calm().toMillis(), TimeUnit.MILLISECONDS)) {
                    return;
                }
                if (planned.fault() == Fault.SPLIT) {
                    split(planned.target());
                } else if (planned.fault().isOrdered()) {
                    order(planned);
                } else {
                    harm(planned);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            fail(e);
        } finally {
            if (!abandoned) {
                healAll();
            }
        }
    }

    private void split(String key) throws InterruptedException {
        synchronized (this) {
            now = "split";
        }
        boolean split = splitter.split(key);
        say(split ? "split in front of " + key : "no split in front of " + key);
        synchronized (this) {
            if (split) {
                done.merge(Fault.SPLIT, 1, Integer::sum);
            }
            now = "calm";
        }
    }

    /** Done, if ever, while the next faults happen. */
    private void order(Planned planned) throws InterruptedException {
        Fault fault = planned.fault();
        boolean ordered = orders.order(fault, planned.target(), planned.draw());
        say((ordered ? "" : "no ") + fault.label() + " of the region of " + planned.target());
        if (ordered) {
            synchronized (this) {
                done.merge(fault, 1, Integer::sum);
            }
        }
    }

    private void harm(Planned planned) throws InterruptedException {
        Fault fault = planned.fault();
        Optional<String> leading = observeLeader();
        List<ServiceProcess> victims = victims(planned, leading);
        String what =
                fault.label() + " " + victims.stream().map(ServiceProcess::name).collect(Collectors.joining(", "));
        say(what + (leading.equals(Optional.of(victims.get(0).name())) ? " (leader)" : "") + " for "
                + planned.lasting().toMillis() + " ms");
        switch (fault) {
            case KILL, BLACKOUT -> kill(victims);
            case PAUSE, DEPOSE -> victims.forEach(victim -> victim.signal("STOP"));
            case HAND_OVER -> cluster.stop(victims, line -> {});
            case SPLIT, TRANSFER, MOVE, MERGE -> throw new IllegalArgumentException(fault.label() + " has no victims");
        }
        synchronized (this) {
            done.merge(fault, 1, Integer::sum);
            now = what;
        }
        long beganNanos = System.nanoTime();
        boolean closing = closed.await(planned.lasting().toMillis(), TimeUnit.MILLISECONDS);
        if (!closing) {
            heal(fault, victims);
        }
        if (fault == Fault.BLACKOUT) {
            synchronized (this) {
                // What is closed now is healed later, and nothing runs until the end.
                blackouts.add(new Blackout(beganNanos, closing ? Long.MAX_VALUE : System.nanoTime()));
            }
        }
    }

    private List<ServiceProcess> victims(Planned planned, Optional<String> leading) {
        if (planned.fault() == Fault.BLACKOUT) {
            return cluster.processes(Role.NODE);
        }
        return List.of(cluster.process(planned.atLeader() ? leading.orElse(planned.target()) : planned.target()));
    }

    /** All of them as close together as threads can. */
    private static void kill(List<ServiceProcess> victims) {
        victims.parallelStream().forEach(ServiceProcess::kill);
    }

    private void heal(Fault fault, List<ServiceProcess> victims) {
        long beganNanos = System.nanoTime();
        if (fault.endsTheProcess()) {
            victims.forEach(victim -> cluster.start(victim.name()));
            victims.forEach(victim -> cluster.awaitReady(victim.name(), RESTART_MAX));
        } else {
            victims.forEach(victim -> victim.signal("CONT"));
        }
        say(String.format(
                Locale.ROOT,
                "%s back (%.1f s)",
                victims.stream().map(ServiceProcess::name).collect(Collectors.joining(", ")),
                (System.nanoTime() - beganNanos) / 1e9));
        synchronized (this) {
            now = "calm";
        }
    }

    /** Whatever has happened: everything runs and serves. */
    private void healAll() {
        try {
            for (ServiceProcess process : cluster.processes()) {
                if (process.isAlive()) {
                    process.signal("CONT");
                } else {
                    cluster.start(process.name());
                }
            }
            for (ServiceProcess process : cluster.processes()) {
                cluster.awaitReady(process.name(), RESTART_MAX);
            }
            say("all processes serve");
        } catch (RuntimeException e) {
            fail(e);
        }
    }

    private synchronized void fail(RuntimeException cause) {
        if (broken == null) {
            broken = cause;
        } else {
            broken.addSuppressed(cause);
        }
    }

    private Optional<String> observeLeader() throws InterruptedException {
        Optional<String> leading = leader.process();
        synchronized (this) {
            if (leading.isPresent()) {
                if (lastLeader != null && !leading.get().equals(lastLeader)) {
                    leaderChanges++;
                }
                lastLeader = leading.get();
            }
        }
        return leading;
    }

    private void say(String line) {
        log.accept(String.format(Locale.ROOT, "%7.1f s  %s", (System.nanoTime() - startNanos) / 1e9, line));
    }
}
