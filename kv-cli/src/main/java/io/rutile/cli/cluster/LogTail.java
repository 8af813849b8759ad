package io.rutile.cli.cluster;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Finds the sentence that says why a process ended, in the last lines that it logged. */
final class LogTail {

    private static final int BYTES_MAX = 256 << 10;
    private static final int SENTENCE_CHARS_MAX = 600;

    private static final Pattern STACK_FRAME = Pattern.compile("^\\s+(at |\\.\\.\\. \\d+ )|^\\s*$");
    private static final Pattern CAUSE = Pattern.compile("^\\s*Caused by: (?:[\\w.$]+: )?(.*\\S)");
    /** "2026-01-31T12:00:00.000Z ERROR 17 --- [main] i.r.n.KvNode : message", and simpler layouts. */
    private static final Pattern ERROR = Pattern.compile("\\bERROR\\b(?:.*?\\s:\\s|.*?\\s-\\s|[:\\s]+)(.*\\S)");
    /** What Spring Boot's failure analysis begins its explanation with. */
    private static final String DESCRIPTION = "Description:";

    private LogTail() {}

    /**
     * The clearest words in the log from {@code offset} on: an analysed start-up failure, else the root cause, else the last
     * error, else the last line.
     */
    static String lastSentence(Path log, long offset) {
        List<String> lines;
        try {
            lines = lines(log, offset);
        } catch (IOException e) {
            return "its log " + log + " can't be read: " + e.getMessage();
        }
        String sentence = pick(lines);
        return sentence.length() <= SENTENCE_CHARS_MAX ? sentence : sentence.substring(0, SENTENCE_CHARS_MAX) + "…";
    }

    static String pick(List<String> lines) {
        int description = lines.lastIndexOf(DESCRIPTION);
        if (description >= 0) {
            for (String line : lines.subList(description + 1, lines.size())) {
                if (!line.isBlank()) {
                    return line.strip();
                }
            }
        }
        String last = "it said nothing";
        String error = null;
        String cause = null;
        for (String line : lines) {
            if (STACK_FRAME.matcher(line).find()) {
                continue;
            }
            Matcher matcher = CAUSE.matcher(line);
            if (matcher.find()) {
                cause = matcher.group(1);
                continue;
            }
            matcher = ERROR.matcher(line);
            if (matcher.find()) {
                error = matcher.group(1);
                cause = null; // the causes that follow are this error's
            }
            last = line.strip();
        }
        if (cause != null) {
            return cause;
        }
        return error != null ? error : last;
    }

    private static List<String> lines(Path log, long offset) throws IOException {
        try (FileChannel channel = FileChannel.open(log)) {
            long from = Math.max(offset, channel.size() - BYTES_MAX);
            ByteBuffer bytes = ByteBuffer.allocate((int) Math.max(0, channel.size() - from));
            channel.position(from);
            while (bytes.hasRemaining() && channel.read(bytes) >= 0) {
                // reads until the end
            }
            String text = new String(bytes.array(), 0, bytes.position(), StandardCharsets.UTF_8);
            return new ArrayList<>(text.lines().toList());
        }
    }
}
