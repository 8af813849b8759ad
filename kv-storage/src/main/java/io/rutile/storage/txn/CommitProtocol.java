package io.rutile.storage.txn;

/** How a prewrite means to be committed. */
enum CommitProtocol {
    /** The client brings the commit timestamp later. */
    TWO_PHASE,
    /** Committed as soon as every key is prewritten: each prewrite chooses a lower bound of the commit timestamp. */
    ASYNC,
    /** Every key of the transaction is in this request: committed at once, no lock is ever stored. */
    ONE_PHASE
}
