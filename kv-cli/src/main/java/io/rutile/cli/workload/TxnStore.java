package io.rutile.cli.workload;

/** A store of transactions as a workload sees it: text for text. Calls block, each for a bounded time. Safe from any thread. */
public interface TxnStore {

    /**
     * Begins a transaction now.
     *
     * @throws StoreFailure if it can't
     */
    StoreTxn begin(Locking locking);
}
