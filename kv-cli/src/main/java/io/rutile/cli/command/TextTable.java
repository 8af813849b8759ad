package io.rutile.cli.command;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Rows for people: columns as wide as what is in them, two spaces between, numbers to the right. */
final class TextTable {

    private final List<List<String>> rows = new ArrayList<>();
    private final boolean[] toTheRight;

    /** @param headings one that ends in {@code >} names a column of numbers */
    TextTable(String... headings) {
        toTheRight = new boolean[headings.length];
        List<String> names = new ArrayList<>();
        for (int i = 0; i < headings.length; i++) {
            toTheRight[i] = headings[i].endsWith(">");
            names.add(toTheRight[i] ? headings[i].substring(0, headings[i].length() - 1) : headings[i]);
        }
        rows.add(names);
    }

    TextTable row(Object... cells) {
        if (cells.length != toTheRight.length) {
            throw new IllegalArgumentException("a row has " + toTheRight.length + " cells, not " + cells.length);
        }
        List<String> texts = new ArrayList<>();
        for (Object cell : cells) {
            texts.add(cell.toString().isEmpty() ? "-" : cell.toString());
        }
        rows.add(texts);
        return this;
    }

    @Override
    public String toString() {
        int[] widths = new int[toTheRight.length];
        for (List<String> row : rows) {
            for (int i = 0; i < widths.length; i++) {
                widths[i] = Math.max(widths[i], row.get(i).length());
            }
        }
        return rows.stream().map(row -> line(row, widths)).collect(Collectors.joining("\n"));
    }

    private String line(List<String> row, int[] widths) {
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < widths.length; i++) {
            String padding = " ".repeat(widths[i] - row.get(i).length());
            line.append(i == 0 ? "" : "  ").append(toTheRight[i] ? padding + row.get(i) : row.get(i) + padding);
        }
        return line.toString().stripTrailing();
    }
}
