package io.rutile.pd.schedule.placement;

import io.rutile.pd.cluster.StoreInfo;
import java.util.List;

/**
 * What a rule asks of a store's labels.
 *
 * @param key of the label
 * @param values what {@link Op#IN} and {@link Op#NOT_IN} compare with; empty otherwise
 */
public record LabelConstraint(String key, Op op, List<String> values) {

    /** How the label's value is judged. */
    public enum Op {
        IN("is not in"),
        NOT_IN("is in"),
        EXISTS("is missing from"),
        NOT_EXISTS("is there, unlike");

        private final String violated;

        Op(String violated) {
            this.violated = violated;
        }
    }

    public LabelConstraint {
        values = List.copyOf(values);
        if (key.isEmpty()) {
            throw new IllegalArgumentException("a label constraint needs a key");
        }
        boolean compares = op == Op.IN || op == Op.NOT_IN;
        if (compares == values.isEmpty()) {
            throw new IllegalArgumentException("a label constraint with " + op + " for '" + key + "' "
                    + (compares ? "needs values" : "has no use for values"));
        }
    }

    public boolean isMetBy(StoreInfo store) {
        String value = store.label(key);
        return switch (op) {
            case IN -> values.contains(value);
            case NOT_IN -> !values.contains(value);
            case EXISTS -> !value.isEmpty();
            case NOT_EXISTS -> value.isEmpty();
        };
    }

    /** Why a store does not meet it, as words that follow "store 3". */
    String violatedBy(StoreInfo store) {
        String value = store.label(key);
        return "has the label " + key + "=" + value + ", which " + op.violated + " what is asked for"
                + (values.isEmpty() ? "" : ": " + String.join(", ", values));
    }
}
