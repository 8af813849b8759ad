package io.rutile.storage.txn;

import static io.rutile.protocol.kvrpcpb.PrewriteRequest.PessimisticAction.DO_PESSIMISTIC_CHECK;
import static io.rutile.storage.StoreFixture.await;
import static io.rutile.storage.txn.TxnFixture.outcome;
import static io.rutile.storage.txn.TxnWords.conflict;
import static io.rutile.storage.txn.TxnWords.put;
import static io.rutile.storage.txn.TxnWords.ts;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Message;
import io.rutile.protocol.kvrpcpb.MvccInfo;
import io.rutile.protocol.kvrpcpb.ResolveLockRequest;
import io.rutile.protocol.kvrpcpb.WriteConflict.Reason;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Every request of a transaction may arrive twice, late, or before the one that should come first (P2, P5). */
class RepeatedRequestsTest extends TxnConformance {

    private static final long START = 10;
    private static final long COMMIT = 15;

    private static final Consumer<String> NOTHING = key -> {};

    private interface Sending {
        Message send(String key);
    }

    /** A request of the transaction @10 for a key: what it needs to find, and whether its second answer is that of the first. */
    private record Rpc(String name, Consumer<String> given, Sending sending, boolean sameAnswer) {

        Rpc(String name, Consumer<String> given, Sending sending) {
            this(name, given, sending, true);
        }

        Message send(String key) {
            return sending.send(key);
        }
    }

    private List<Rpc> everyRpc() {
        Consumer<String> prewritten =
                key -> db.prewrite(put(key, "v")).at(START).ok();
        Consumer<String> locked = key -> db.lock(key).at(START, START).ok();
        return List.of(
                new Rpc(
                        "prewrite",
                        NOTHING,
                        key -> db.prewrite(put(key, "v")).at(START).run()),
                new Rpc(
                        "async prewrite",
                        NOTHING,
                        key -> db.prewrite(put(key, "v")).at(START).async().run()),
                new Rpc(
                        "1PC",
                        NOTHING,
                        key -> db.prewrite(put(key, "v")).at(START).onePc().run()),
                new Rpc(
                        "pessimistic prewrite",
                        locked,
                        key -> db.prewrite(put(key, "v"))
                                .at(START)
                                .pessimistic(START, DO_PESSIMISTIC_CHECK)
                                .run()),
                new Rpc(
                        "pessimistic lock",
                        NOTHING,
                        key -> db.lock(key).at(START, START).returnValues().run()),
                new Rpc(
                        "force lock",
                        NOTHING,
                        key -> db.lock(key).at(START, START).force().run()),
                new Rpc("pessimistic rollback", locked, key -> {
                    db.pessimisticRollback(START, START, key);
                    return MvccInfo.getDefaultInstance();
                }),
                new Rpc("commit", prewritten, key -> db.commit(START, COMMIT, key)),
                new Rpc("batch rollback", prewritten, key -> db.batchRollback(START, key)),
                new Rpc("cleanup", prewritten, key -> db.cleanup(key, START, 0)),
                new Rpc("heartbeat", prewritten, key -> db.heartBeat(key, START, 5000, 0)),
                new Rpc("check of a living transaction", prewritten, key -> db.check(key, START, 20, 21)),
                new Rpc(
                        "check of an expired transaction",
                        prewritten,
                        key -> db.check(key, START, 20, ts(9000, 0)),
                        false),
                new Rpc(
                        "check of an unknown transaction",
                        NOTHING,
                        key -> db.check(key, START, 20, 21, more -> more.setRollbackIfNotExist(true)),
                        false),
                new Rpc("check of locked secondaries", prewritten, key -> db.checkSecondaries(START, key)),
                new Rpc("check of missing secondaries", NOTHING, key -> db.checkSecondaries(START, key)),
                new Rpc("resolve keys", prewritten, key -> db.resolve(START, COMMIT, key)),
                new Rpc("resolve the Region", prewritten, key -> db.resolve(START, 0)),
                new Rpc(
                        "resolve transactions",
                        prewritten,
                        key -> db.resolve(ResolveLockRequest.newBuilder().addTxnInfos(outcome(START, COMMIT)))),
                new Rpc("flush", NOTHING, key -> db.flush(START, 1, key, put(key, "v"))),
                new Rpc("delete range", prewritten, key -> await(db.deleteRange(key, key + "\0", false))));
    }

    /** All that is known of a key, and where the transaction stands. */
    private record Seen(List<String> locks, MvccInfo records) {}

    private Seen seen(String key) {
        return new Seen(db.locks(), db.records(key));
    }

    @Test
    void p5TwiceIsOnce() {
        for (Rpc rpc : everyRpc()) {
            rpc.given().accept(rpc.name());
            Message first = rpc.send(rpc.name());
            Seen once = seen(rpc.name());

            Message second = rpc.send(rpc.name());

            assertThat(seen(rpc.name())).as(rpc.name()).isEqualTo(once);
            if (rpc.sameAnswer()) {
                assertThat(second).as(rpc.name()).isEqualTo(first);
            }
            await( // the next one finds an empty Region
                    db.deleteRange(rpc.name(), rpc.name() + "\0", false));
        }
    }

    @Test
    void p5NothingUndoesACommit() {
        for (Rpc late : everyRpc()) {
            if (List.of("delete range", "force lock").contains(late.name())) {
                continue; // the one asks no transaction, the other leaves a lock that every check releases: T16, K07
            }
            db.wrote(late.name(), "v", START, COMMIT);
            Seen committed = seen(late.name());

            late.send(late.name());

            assertThat(seen(late.name())).as(late.name()).isEqualTo(committed);
            assertThat(db.get(late.name(), 20)).isEqualTo("v");
        }
    }

    @Test
    void p2NothingUndoesARollback() {
        for (Rpc late : everyRpc()) {
            if (late.name().equals("delete range")) {
                continue; // forgets the rollback, as it must
            }
            String key = late.name();
            db.prewrite(put(key, "v")).at(START).ok();
            db.cleanedUp(key, START);

            late.send(key);

            assertThat(db.locks()).as(key).isEmpty();
            assertThat(db.writes(key)).as(key).containsExactly("Rollback 10→10");
            assertThat(conflict(db.prewrite(put(key, "v")).at(START).error()).reason())
                    .as(key)
                    .isEqualTo(Reason.SelfRolledBack);
        }
    }

    @Test
    void p2ARollbackBeforeEverythingElseDecides() {
        List<Rpc> rollbacks = everyRpc().stream()
                .filter(rpc -> List.of(
                                "batch rollback",
                                "cleanup",
                                "check of an unknown transaction",
                                "check of missing secondaries")
                        .contains(rpc.name()))
                .toList();
        assertThat(rollbacks).hasSize(4);

        for (Rpc rollback : rollbacks) {
            for (Rpc late : everyRpc()) {
                if (late.name().equals("delete range")) {
                    continue; // forgets the rollback, as it must
                }
                String key = late.name() + " after " + rollback.name();
                rollback.send(key);

                late.send(key);

                assertThat(db.locks()).as(key).isEmpty();
                assertThat(db.get(key, 20)).as(key).isEqualTo("not_found");
                assertThat(db.writes(key)).as(key).containsExactly("Rollback 10→10");
            }
        }
    }

    @Test
    void p5WhatComesBeforeItsPrewriteWritesNothing() {
        for (Rpc early : everyRpc()) {
            if (!List.of(
                            "commit",
                            "pessimistic rollback",
                            "heartbeat",
                            "check of a living transaction",
                            "resolve the Region",
                            "resolve transactions")
                    .contains(early.name())) {
                continue;
            }
            String key = early.name();
            early.send(key);
            assertThat(seen(key)).as(key).isEqualTo(new Seen(List.of(), MvccInfo.getDefaultInstance()));

            db.wrote(key, "v", START, COMMIT);

            assertThat(db.get(key, COMMIT)).as(key).isEqualTo("v");
        }
    }

    @Test
    void p5AnOldPessimisticRollbackSparesANewerLock() {
        db.lock("k").at(START, 10).ok();
        db.lock("k").at(START, 20).ok();

        db.pessimisticRollback(START, 10, "k");

        assertThat(db.lockOn("k").getLockForUpdateTs()).isEqualTo(20);
    }

    @Test
    void p5ALatePessimisticLockAfterThePrewriteChangesNothing() {
        db.lock("k").at(START, START).ok();
        db.prewrite(put("k", "v"))
                .at(START)
                .pessimistic(START, DO_PESSIMISTIC_CHECK)
                .ok();
        Seen prewritten = seen("k");

        db.lock("k").at(START, START).error();

        assertThat(seen("k")).isEqualTo(prewritten);
    }
}
