package io.rutile.cli.bench.load;

import java.util.Locale;

/** How often which key is asked for, as YCSB's core workloads know it; the constant of Zipf's law is theirs, 0.99. */
public enum Distribution {
    /** All the same. */
    UNIFORM {
        @Override
        public KeyChoice over(Inserts keys) {
            return random -> random.nextLong(keys.visible());
        }
    },
    /** By Zipf's law over the keys there are: of 100,000 the hottest takes 8 % of all. */
    ZIPFIAN {
        @Override
        public KeyChoice over(Inserts keys) {
            Zipf zipf = new Zipf(THETA);
            return random -> zipf.next(random, keys.visible()) - 1;
        }
    },
    /**
     * What YCSB means by "zipfian": ranks of ten thousand million items, hashed onto the keys there are. Flatter: the hottest key takes
     * about 4 %, however many there are.
     */
    SCRAMBLED {
        @Override
        public KeyChoice over(Inserts keys) {
            Zipf zipf = new Zipf(THETA);
            return random -> Long.remainderUnsigned(Hash.of(zipf.next(random, SCRAMBLED_ITEMS)), keys.visible());
        }
    },
    /** By Zipf's law from the key that was inserted last. */
    LATEST {
        @Override
        public KeyChoice over(Inserts keys) {
            Zipf zipf = new Zipf(THETA);
            return random -> {
                long visible = keys.visible();
                return visible - zipf.next(random, visible);
            };
        }
    };

    static final double THETA = 0.99;
    static final long SCRAMBLED_ITEMS = 10_000_000_000L;

    /** Which of the keys that are there. */
    public abstract KeyChoice over(Inserts keys);

    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
