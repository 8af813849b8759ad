package io.rutile.raft;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/** What one class says at WARN and above, until closed. */
final class LoggedLines extends AppenderBase<ILoggingEvent> implements AutoCloseable {

    private final Queue<String> lines = new ConcurrentLinkedQueue<>();
    private final Logger logger;
    private final @Nullable Level before;

    private LoggedLines(Logger logger) {
        this.logger = logger;
        this.before = logger.getLevel();
    }

    static LoggedLines of(Class<?> speaker) {
        Logger logger = (Logger) LoggerFactory.getLogger(speaker);
        LoggedLines lines = new LoggedLines(logger);
        lines.setContext(logger.getLoggerContext());
        lines.start();
        logger.setLevel(Level.WARN);
        logger.addAppender(lines);
        return lines;
    }

    @Override
    protected void append(ILoggingEvent event) {
        lines.add(event.getFormattedMessage());
    }

    Stream<String> lines() {
        return lines.stream();
    }

    @Override
    public void close() {
        logger.detachAppender(this);
        logger.setLevel(before);
        stop();
    }
}
