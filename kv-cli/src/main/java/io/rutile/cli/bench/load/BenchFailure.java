package io.rutile.cli.bench.load;

/** An answer that is no success though nothing was thrown: a miss, too few rows, a refusal in words of its own. */
public final class BenchFailure extends Exception {

    private static final long serialVersionUID = 1;

    private final String kind;

    /** @param kind two or three words that are the same for all failures like this one */
    public BenchFailure(String kind, String message) {
        super(message, null, false, false);
        this.kind = kind;
    }

    public String kind() {
        return kind;
    }
}
