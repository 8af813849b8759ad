package io.rutile.cli.bench;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import io.rutile.cli.cluster.ClusterException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * All that a run has to tell. Field names are those of the JSON.
 *
 * @param format {@link #FORMAT}; what reads another one reads it wrong
 * @param began when, ISO 8601 in UTC
 * @param machine what it ran on
 * @param settings what it was told, by the names of the options
 * @param cells what was measured
 * @param bars what was asked of it; null if nothing
 * @param remarks what whoever reads the figures should know
 */
record BenchReport(
        int format,
        String began,
        Map<String, String> machine,
        Map<String, String> settings,
        List<Cell> cells,
        @Nullable List<BarResult> bars,
        List<String> remarks) {

    static final int FORMAT = 2;

    private static final Gson GSON =
            new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

    String toJson() {
        return GSON.toJson(this);
    }

    void write(Path file) {
        try {
            Files.writeString(file, toJson() + "\n");
        } catch (IOException e) {
            throw new ClusterException("can't write " + file + ": " + e.getMessage(), e);
        }
    }

    /** @throws ClusterException with one sentence if the file holds no such report */
    static BenchReport read(Path file) {
        BenchReport report;
        try {
            report = GSON.fromJson(Files.readString(file), BenchReport.class);
        } catch (IOException e) {
            throw new ClusterException("can't read " + file + ": " + e.getMessage(), e);
        } catch (RuntimeException e) {
            // No JSON, or what its records do not take.
            throw new ClusterException(file + " is no report of rutile bench", e);
        }
        if (report == null || report.cells() == null || report.settings() == null || report.machine() == null) {
            throw new ClusterException(file + " is no report of rutile bench");
        }
        if (report.format() != FORMAT) {
            throw new ClusterException(
                    file + " is a report of format " + report.format() + "; this rutile reads format " + FORMAT);
        }
        return report;
    }
}
