package io.rutile.cli.bench.stress;

/**
 * A bar, and what was seen. Field names are those of the JSON report.
 *
 * @param bar what is asked, in words
 * @param seen what was seen, in words
 */
public record Verdict(String bar, String seen, boolean met) {}
