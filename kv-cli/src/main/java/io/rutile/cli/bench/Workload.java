package io.rutile.cli.bench;

import java.util.SplittableRandom;
import java.util.stream.Stream;

/** What a client does, over and over, on keys chosen evenly. */
enum Workload {
    GET("get") {
        @Override
        void step(Subject subject, KeySpace keys, SplittableRandom random) throws Exception {
            subject.get(keys.randomKey(random));
        }
    },
    PUT("put") {
        @Override
        void step(Subject subject, KeySpace keys, SplittableRandom random) throws Exception {
            subject.put(keys.randomKey(random), keys.randomValue(random));
        }
    },
    SCAN("scan of " + Workload.SCAN_PAIRS) {
        @Override
        void step(Subject subject, KeySpace keys, SplittableRandom random) throws Exception {
            int first = random.nextInt(Math.max(1, keys.count() - SCAN_PAIRS));
            subject.scan(keys.key(first), SCAN_PAIRS);
        }
    },
    MIXED("95/5 mix") {
        @Override
        void step(Subject subject, KeySpace keys, SplittableRandom random) throws Exception {
            (random.nextInt(100) < 95 ? GET : PUT).step(subject, keys, random);
        }
    },
    TXN1("transaction, 1 key") {
        @Override
        void step(Subject subject, KeySpace keys, SplittableRandom random) throws Exception {
            transaction(1, subject, keys, random);
        }
    },
    TXN2("transaction, 2 keys") {
        @Override
        void step(Subject subject, KeySpace keys, SplittableRandom random) throws Exception {
            transaction(2, subject, keys, random);
        }
    },
    TXN8("transaction, 8 keys") {
        @Override
        void step(Subject subject, KeySpace keys, SplittableRandom random) throws Exception {
            transaction(8, subject, keys, random);
        }
    };

    static final int SCAN_PAIRS = 100;

    private final String label;

    Workload(String label) {
        this.label = label;
    }

    private static void transaction(int count, Subject subject, KeySpace keys, SplittableRandom random)
            throws Exception {
        subject.transaction(
                Stream.generate(() -> keys.randomKey(random))
                        .distinct()
                        .limit(Math.min(count, keys.count()))
                        .toList(),
                keys.randomValue(random));
    }

    /** True if a subject without transactions can't do it. */
    boolean isTransactional() {
        return this == TXN1 || this == TXN2 || this == TXN8;
    }

    boolean suits(Subject subject) {
        return subject.isTransactional() || !isTransactional();
    }

    String label() {
        return label;
    }

    /** One operation. */
    abstract void step(Subject subject, KeySpace keys, SplittableRandom random) throws Exception;
}
