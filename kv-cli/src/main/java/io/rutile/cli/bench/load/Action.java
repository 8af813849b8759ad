package io.rutile.cli.bench.load;

/** One thing that a client does with a subject. */
public enum Action {
    READ {
        @Override
        void perform(Subject subject, Draws draws) throws Exception {
            subject.read(draws.key());
        }
    },
    UPDATE {
        @Override
        void perform(Subject subject, Draws draws) throws Exception {
            subject.update(draws.key(), draws.value());
        }
    },
    INSERT {
        @Override
        void perform(Subject subject, Draws draws) throws Exception {
            Inserts inserts = draws.data().inserts();
            long index = inserts.begin();
            boolean done = false;
            try {
                subject.update(draws.data().keys().key(index), draws.value());
                done = true;
            } finally {
                if (done) {
                    inserts.succeeded(index);
                } else {
                    inserts.failed(index);
                }
            }
        }
    },
    /** From a key that is there: at least that one is read. */
    SCAN {
        @Override
        void perform(Subject subject, Draws draws) throws Exception {
            requireRows(subject.scan(draws.key(), draws.rows()), 1);
        }
    },
    /** From anywhere, always the same number of rows. */
    SCAN_FULL {
        @Override
        void perform(Subject subject, Draws draws) throws Exception {
            requireRows(subject.scan(draws.scanStart(), draws.rows()), draws.fullRows());
        }
    },
    READ_MODIFY_WRITE {
        @Override
        void perform(Subject subject, Draws draws) throws Exception {
            subject.readModifyWrite(draws.key(), draws.value());
        }
    },
    TRANSACTION {
        @Override
        void perform(Subject subject, Draws draws) throws Exception {
            subject.transaction(draws.transactionKeys(), draws.value(), draws.commit());
        }
    },
    /** Of transactional data, at a timestamp that the client has held since before. */
    HELD_READ {
        @Override
        void perform(Subject subject, Draws draws) throws Exception {
            subject.heldRead(draws.key());
        }
    },
    HELD_SCAN {
        @Override
        void perform(Subject subject, Draws draws) throws Exception {
            requireRows(subject.heldScan(draws.scanStart(), draws.rows()), draws.fullRows());
        }
    },
    TIMESTAMP {
        @Override
        void perform(Subject subject, Draws draws) throws Exception {
            subject.timestamp();
        }
    };

    abstract void perform(Subject subject, Draws draws) throws Exception;

    public boolean writes() {
        return this == UPDATE || this == INSERT || this == READ_MODIFY_WRITE || this == TRANSACTION;
    }

    /** True if it is about data that was written by transactions, whatever else a subject does. */
    public boolean isTransactional() {
        return this == TRANSACTION || this == HELD_READ || this == HELD_SCAN;
    }

    private static void requireRows(int rows, int wanted) throws BenchFailure {
        if (rows < wanted) {
            throw new BenchFailure("too few rows", "a scan found " + rows + " rows, not " + wanted);
        }
    }
}
