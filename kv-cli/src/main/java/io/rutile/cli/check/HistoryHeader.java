package io.rutile.cli.check;

import java.util.Map;

/**
 * What a history is of.
 *
 * @param workload the name of the workload: {@code bank}, {@code append} or {@code counter}
 * @param protocol how its transactions were committed: {@code 2pc}, {@code async} or {@code 1pc}
 * @param seed of its random numbers
 * @param parameters what its checker must know: {@code accounts} and {@code total} of a bank
 */
public record HistoryHeader(String workload, String protocol, long seed, Map<String, Long> parameters) {

    public HistoryHeader {
        parameters = Map.copyOf(parameters);
    }

    /**
     * The checker of this workload.
     *
     * @throws IllegalArgumentException if no checker knows it, or it lacks a parameter
     */
    public Checker checker() {
        return switch (workload) {
            case "bank" -> new BankChecker(Math.toIntExact(parameter("accounts")), parameter("total"));
            case "append" -> new ListAppendChecker();
            case "counter" -> new CounterChecker();
            default -> throw new IllegalArgumentException("there is no checker for the workload " + workload);
        };
    }

    private long parameter(String name) {
        Long value = parameters.get(name);
        if (value == null) {
            throw new IllegalArgumentException("the history of " + workload + " does not say its " + name);
        }
        return value;
    }
}
