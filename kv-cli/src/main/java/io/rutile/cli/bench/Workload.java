package io.rutile.cli.bench;

import java.util.SplittableRandom;

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
    };

    static final int SCAN_PAIRS = 100;

    private final String label;

    Workload(String label) {
        this.label = label;
    }

    String label() {
        return label;
    }

    /** One operation. */
    abstract void step(Subject subject, KeySpace keys, SplittableRandom random) throws Exception;
}
