package io.rutile.cli.workload;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** How a register or a list is stored: decimal numbers with commas between. */
final class Values {

    private Values() {}

    /** @throws NumberFormatException if the text is none of ours: then the store has made it up */
    static List<Long> parse(String text) {
        List<Long> values = new ArrayList<>();
        for (String number : text.split(",", -1)) {
            values.add(Long.parseLong(number));
        }
        return values;
    }

    static String format(List<Long> values) {
        return values.stream().map(String::valueOf).collect(Collectors.joining(","));
    }
}
