package io.rutile.cli.verify;

import io.rutile.cli.workload.BankWorkload;
import io.rutile.cli.workload.ListAppendWorkload;
import io.rutile.cli.workload.PessimisticCounterWorkload;
import io.rutile.cli.workload.Workload;

/** Which workload, by the name that the command line and histories use. */
public enum Subject {
    BANK("bank"),
    APPEND("append"),
    COUNTER("counter");

    private final String label;

    Subject(String label) {
        this.label = label;
    }

    public String label() {
        return label;
    }

    /** @param prefix of all its keys */
    Workload workload(String prefix) {
        return switch (this) {
            case BANK -> new BankWorkload(prefix);
            case APPEND -> new ListAppendWorkload(prefix);
            case COUNTER -> new PessimisticCounterWorkload(prefix);
        };
    }
}
