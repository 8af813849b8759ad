package io.rutile.cli.bench;

import org.jspecify.annotations.Nullable;

/**
 * A bar and what was measured against it. Field names are those of the JSON report.
 *
 * @param name how {@code --only} calls it
 * @param path what it is about
 * @param unit of figure and floor
 * @param figure median
 * @param floor median; null if the bar is no ratio
 * @param ratio of the two medians
 * @param ratioMin of the ratios of the same repeats, the smallest
 * @param ratioMax and the greatest
 * @param bar what is asked, such as {@code ≥ 0.60}
 * @param met whether it is so
 * @param why it isn't, if that is not in the figures
 */
record BarResult(
        String name,
        String path,
        String unit,
        double figure,
        @Nullable Double floor,
        @Nullable Double ratio,
        @Nullable Double ratioMin,
        @Nullable Double ratioMax,
        String bar,
        boolean met,
        @Nullable String why) {}
