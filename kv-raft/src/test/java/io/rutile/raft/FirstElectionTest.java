package io.rutile.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.rutile.raft.TestStores.Store;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Groups that come to be on several stores one after the other, as the pieces of a Region that splits do. */
class FirstElectionTest {

    private static final long GROUP = 42;
    private static final Replicas MEMBERS = TestStores.members(1, 2, 3);

    /** Longer than any wait here, so that nobody is elected because a timer has run out. */
    private static final Duration LONG = Duration.ofSeconds(20);

    private static final Duration PATIENCE = Duration.ofSeconds(15);

    @TempDir
    Path dir;

    private TestStores stores() {
        TestStores stores = new TestStores(dir, options -> options.withElectionTimeout(LONG));
        for (long id = 1; id <= 3; id++) {
            stores.open(id);
        }
        return stores;
    }

    private static RaftGroup<Long> beBorn(Store store) {
        store.bootstrap(GROUP, MEMBERS);
        return store.start(GROUP, store.own(MEMBERS), TestStores.BEGIN);
    }

    private static void awaitLeader(RaftGroup<Long> group) {
        await().atMost(PATIENCE).until(group::isLeader);
    }

    @Test
    void whoCampaignsIsElectedWithoutWaitingForATimer() {
        try (TestStores stores = stores()) {
            beBorn(stores.store(2));
            beBorn(stores.store(3));
            RaftGroup<Long> first = beBorn(stores.store(1));

            first.campaign();

            awaitLeader(first);
            assertThat(TestStores.propose(first, "a")).isEqualTo(1);
        }
    }

    @Test
    void votesOfReplicasThatStartLaterAreWaitedFor() {
        try (TestStores stores = stores()) {
            RaftGroup<Long> first = beBorn(stores.store(1));
            first.campaign();
            await().atMost(PATIENCE).until(() -> first.term() == 2);
            assertThat(first.isLeader()).isFalse();

            beBorn(stores.store(2));

            awaitLeader(first);
        }
    }

    @Test
    void campaigningInAGroupThatIsLedChangesNothing() {
        try (TestStores stores = stores()) {
            RaftGroup<Long> second = beBorn(stores.store(2));
            RaftGroup<Long> first = beBorn(stores.store(1));
            first.campaign();
            awaitLeader(first);
            await().atMost(PATIENCE).until(() -> second.term() == first.term());

            second.campaign();

            assertThat(TestStores.propose(first, "a")).isEqualTo(1);
            assertThat(first.term()).isEqualTo(2);
        }
    }

    /** R3: one incarnation, one vote a term, whether it was given before or after its log began. */
    @Test
    void aVoteGivenBeforeTheLogBeganIsKept() {
        try (TestStores stores = stores()) {
            Store two = stores.store(2);
            Replica self = two.own(MEMBERS);
            two.start(GROUP, self, 0);
            two.machine(GROUP).refuseImages = true;
            RaftGroup<Long> first = beBorn(stores.store(1));
            first.campaign();
            await().atMost(PATIENCE).until(() -> two.group(GROUP).term() == 2);

            assertThatThrownBy(() -> two.bootstrap(GROUP, MEMBERS)).hasMessageContaining("runs already");
            two.server.stopGroup(GROUP);
            two.bootstrap(GROUP, MEMBERS);
            RaftGroup<Long> again = two.start(GROUP, self, TestStores.BEGIN);

            assertThat(again.term()).isEqualTo(2);
            awaitLeader(first);
            assertThat(TestStores.propose(first, "a")).isEqualTo(1);
            await().atMost(PATIENCE).until(() -> two.machine(GROUP).count("a") == 1);
        }
    }
}
