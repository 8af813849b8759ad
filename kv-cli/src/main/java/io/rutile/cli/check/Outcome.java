package io.rutile.cli.check;

/** What its client was told about a transaction. */
public enum Outcome {
    /** It is committed. */
    OK,
    /** Nothing of it is written, and nothing ever will be. */
    FAILED,
    /** It may be committed, now or later, or never. */
    UNKNOWN
}
