package io.rutile.cli.command;

import java.io.PrintStream;
import org.jspecify.annotations.Nullable;

/** The two streams of a command: results for programs, progress and errors for people. */
final class Terminal {

    private Terminal() {}

    /** A line of the result, to standard output, at once. */
    static void result(String line) {
        write(System.out, line);
    }

    /** What is going on, to standard error. */
    static void progress(String line) {
        write(System.err, line);
    }

    static void error(@Nullable String sentence) {
        write(System.err, "rutile: " + sentence);
    }

    private static void write(PrintStream stream, String line) {
        stream.println(line);
        stream.flush();
    }
}
