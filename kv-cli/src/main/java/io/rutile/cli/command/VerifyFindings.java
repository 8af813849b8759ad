package io.rutile.cli.command;

import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.verify.RegionResult;
import io.rutile.cli.verify.Result;
import java.nio.file.Path;

/** What did not hold on a cluster whose Regions were changed, in words for whoever ran it. */
final class VerifyFindings {

    private VerifyFindings() {}

    /**
     * @param rest whether all held that the result doesn't know of
     * @throws ClusterException if anything did not hold, after it was said
     */
    static void requireNone(RegionResult result, boolean rest, Path directory) {
        if (result.isClean() && rest) {
            return;
        }
        result.histories().stream().filter(history -> !history.isClean()).forEach(VerifyFindings::say);
        result.raw().forEach(raw -> raw.report().examples().forEach(Terminal::error));
        result.check().findings().forEach(Terminal::error);
        result.troubles().forEach(Terminal::error);
        throw new ClusterException("this did not hold; histories, logs and data are kept in " + directory);
    }

    private static void say(Result history) {
        history.judgement().examples().forEach(anomaly -> Terminal.progress(anomaly.toString()));
        history.troubles().forEach(Terminal::error);
    }
}
