package io.rutile.cli.workload;

import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Transfers between accounts, and snapshots of all of them: read one by one, in one call, or by a scan. Nobody may overdraw an
 * account.
 */
public final class BankWorkload implements Workload {

    private static final int ACCOUNTS = 8;
    private static final long FIRST_BALANCE = 100;
    private static final long AMOUNT_MAX = 20;

    private final String prefix;
    private final List<String> accounts;

    /** @param prefix of all its keys, which nobody else uses */
    public BankWorkload(String prefix) {
        this.prefix = prefix + "account-";
        accounts = IntStream.range(0, ACCOUNTS).mapToObj(i -> this.prefix + i).toList();
    }

    @Override
    public String name() {
        return "bank";
    }

    @Override
    public Map<String, Long> parameters() {
        return Map.of("accounts", (long) ACCOUNTS, "total", ACCOUNTS * FIRST_BALANCE);
    }

    @Override
    public List<String> splitKeys() {
        return accounts;
    }

    /** The first attempt may be committed without our knowing; then the second finds the accounts. */
    @Override
    public void prepare(TxnClient client) throws InterruptedException {
        client.runUntilDone(Locking.OPTIMISTIC, txn -> {
            if (txn.read(accounts.get(0)).isEmpty()) {
                accounts.forEach(account -> txn.write(account, FIRST_BALANCE));
            }
        });
    }

    @Override
    public void step(TxnClient client, SplittableRandom random) {
        switch (random.nextInt(6)) {
            case 0 -> client.run(Locking.OPTIMISTIC, txn -> accounts.forEach(txn::read));
            case 1 -> client.run(Locking.OPTIMISTIC, txn -> txn.readAll(accounts));
            case 2 -> client.run(Locking.OPTIMISTIC, txn -> txn.scan(prefix, accounts));
            default -> transfer(client, random);
        }
    }

    private void transfer(TxnClient client, SplittableRandom random) {
        int from = random.nextInt(ACCOUNTS);
        int to = (from + random.nextInt(1, ACCOUNTS)) % ACCOUNTS;
        long amount = random.nextLong(1, AMOUNT_MAX + 1);
        client.run(Locking.OPTIMISTIC, txn -> {
            long payer = balance(txn, accounts.get(from));
            long payee = balance(txn, accounts.get(to));
            if (payer >= amount) {
                txn.write(accounts.get(from), payer - amount);
                txn.write(accounts.get(to), payee + amount);
            }
        });
    }

    private static long balance(RecordedTxn txn, String account) {
        List<Long> seen = txn.read(account);
        return seen.isEmpty() ? 0 : seen.get(0);
    }

    @Override
    public void finish(TxnClient client) throws InterruptedException {
        client.runUntilDone(Locking.OPTIMISTIC, txn -> txn.readAll(accounts));
    }
}
