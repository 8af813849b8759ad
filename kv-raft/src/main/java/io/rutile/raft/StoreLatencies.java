package io.rutile.raft;

/**
 * Told how long the disks of a store take, by whoever judges whether it is slow. Called on the threads that were kept waiting, one
 * after the other or at once: implementations count and return.
 */
public interface StoreLatencies {

    StoreLatencies IGNORED = new StoreLatencies() {
        @Override
        public void syncBegins() {}

        @Override
        public void syncEnds(long nanos) {}

        @Override
        public void applied(long nanos) {}
    };

    /** A file sync of the log begins. There is one at a time; writers of all groups wait for it. */
    void syncBegins();

    /** It has ended, well or not. */
    void syncEnds(long nanos);

    /** A group's state machine has applied a batch of entries. */
    void applied(long nanos);
}
