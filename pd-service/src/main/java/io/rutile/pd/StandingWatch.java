package io.rutile.pd;

import io.rutile.pd.http.ClusterJoin;
import io.rutile.pd.meta.MemberIdentity;
import io.rutile.pd.meta.PdMember;
import io.rutile.protocol.pdpb.Member;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds out whether this member still is one. A member that was removed hears of it in the log only if it was awake; nobody writes to it
 * afterwards. So a member that hears of no leader for a while asks the others.
 *
 * <p>One thread, which waits for their answers up to a second.
 */
final class StandingWatch implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(StandingWatch.class);

    private static final long LOOK_EVERY_MS = 1_000;

    /** Looks in a row without a leader after which others are asked; elections are over sooner. */
    private static final int LEADERLESS_MIN = 3;

    private final PdMember member;
    private final ClusterJoin calls;
    private final List<String> join;
    private final Path dataDir;
    private final Consumer<String> putOut;
    private final ScheduledExecutorService timer;
    private int leaderless;
    private Collection<String> remembered = Set.of();

    /**
     * @param join client URLs of other members by the settings
     * @param dataDir keeps those of others for the next start
     * @param putOut told why this member is none any more
     */
    StandingWatch(PdMember member, ClusterJoin calls, List<String> join, Path dataDir, Consumer<String> putOut) {
        this.member = member;
        this.calls = calls;
        this.join = join;
        this.dataDir = dataDir;
        this.putOut = putOut;
        this.timer = Executors.newSingleThreadScheduledExecutor(task -> {
            Thread thread = new Thread(task, "pd-standing");
            thread.setDaemon(true);
            return thread;
        });
    }

    void start() {
        Future<?> unused =
                timer.scheduleWithFixedDelay(this::look, LOOK_EVERY_MS, LOOK_EVERY_MS, TimeUnit.MILLISECONDS);
    }

    private void look() {
        try {
            MemberIdentity self = member.identity();
            remember(urls(member.admitted(), self, List.of()));
            if (member.isGone(self.id())) {
                putOut.accept(PdMember.goneWords(self.id()));
                return;
            }
            leaderless = member.knowsLeader() ? 0 : leaderless + 1;
            if (leaderless >= LEADERLESS_MIN) {
                calls.goneAccordingTo(urls(member.admitted(), self, join), self).ifPresent(putOut);
            }
        } catch (RuntimeException e) {
            // A look that throws would be the last one of its timer.
            log.error("standing not looked at", e);
        }
    }

    private void remember(Collection<String> others) {
        if (others.isEmpty() || others.equals(remembered)) {
            return;
        }
        try {
            MemberIdentity.rememberOthers(dataDir, others);
            remembered = others;
        } catch (IOException e) {
            // Then the next start knows fewer to ask; what counts is elsewhere.
            log.warn("addresses of other members not kept cause={}", e.toString());
        }
    }

    /** Client URLs of all others that are known. */
    static Collection<String> urls(Collection<Member> members, MemberIdentity self, List<String> join) {
        Set<String> urls = new LinkedHashSet<>(join);
        for (Member other : members) {
            if (other.getMemberId() != self.id() && other.getClientUrlsCount() > 0) {
                urls.add(other.getClientUrls(0));
            }
        }
        return urls;
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }
}
