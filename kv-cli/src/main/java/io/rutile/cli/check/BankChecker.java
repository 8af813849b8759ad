package io.rutile.cli.check;

import io.rutile.cli.check.Anomaly.Kind;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Money moves between accounts: their sum is the same in every snapshot (P6), and no transfer overdraws one. */
public final class BankChecker implements Checker {

    private final int accounts;
    private final long total;

    /**
     * @param accounts how many there are; a committed transaction that read them all is a snapshot
     * @param total what they hold together
     */
    public BankChecker(int accounts, long total) {
        if (accounts < 1) {
            throw new IllegalArgumentException("a bank has accounts, not " + accounts);
        }
        this.accounts = accounts;
        this.total = total;
    }

    @Override
    public Verdict check(List<TxnRecord> history) {
        Findings findings = new Findings();
        for (TxnRecord txn : history) {
            if (txn.is(Outcome.OK)) {
                Map<String, Long> balances = balancesRead(txn);
                checkOverdrafts(txn, balances, findings);
                if (balances.size() == accounts) {
                    checkSum(txn, balances, findings);
                }
            }
        }
        return findings.verdict("snapshots of all " + accounts + " accounts");
    }

    /** First reads: what the transaction wrote itself may come later. An account that isn't there holds nothing. */
    private static Map<String, Long> balancesRead(TxnRecord txn) {
        Map<String, Long> balances = new LinkedHashMap<>();
        for (Step step : txn.steps()) {
            if (step.kind() == Step.Kind.READ) {
                balances.putIfAbsent(step.key(), step.values().isEmpty() ? 0L : step.value());
            }
        }
        return balances;
    }

    private static void checkOverdrafts(TxnRecord txn, Map<String, Long> balances, Findings findings) {
        balances.forEach((account, balance) -> {
            if (balance < 0) {
                findings.add(Kind.NEGATIVE_BALANCE, account + " holds " + balance, txn);
            }
        });
    }

    private void checkSum(TxnRecord txn, Map<String, Long> balances, Findings findings) {
        findings.checked(1);
        long sum = balances.values().stream().mapToLong(Long::longValue).sum();
        if (sum != total) {
            findings.add(
                    Kind.WRONG_SUM, txn.name() + " saw " + sum + " in " + accounts + " accounts, not " + total, txn);
        }
    }
}
