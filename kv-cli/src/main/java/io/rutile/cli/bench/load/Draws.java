package io.rutile.cli.bench.load;

import java.util.List;
import java.util.SplittableRandom;

/** What one client draws: a client's thread alone uses it. */
final class Draws {

    private final Load load;
    private final Dataset data;
    private final KeyChoice choice;
    private final SplittableRandom random;

    Draws(Load load, Dataset data, KeyChoice choice, SplittableRandom random) {
        this.load = load;
        this.data = data;
        this.choice = choice;
        this.random = random;
    }

    Dataset data() {
        return data;
    }

    /** One that is there. */
    String key() {
        return data.keys().key(choice.next(random));
    }

    byte[] value() {
        return data.keys().randomValue(random);
    }

    int rows() {
        return load.workload().rows(random);
    }

    /** Of a scan whose length is always the same: what it has to find. */
    int fullRows() {
        return Math.min(load.workload().rowsMax(), data.keys().count());
    }

    String scanStart() {
        return data.keys().scanStart(random, load.workload().rowsMax());
    }

    List<String> transactionKeys() {
        return data.keys().distinct(load.workload().transactionKeys(), choice, random);
    }

    CommitWay commit() {
        return load.commit();
    }

    Action action() {
        return load.workload().action(random);
    }
}
