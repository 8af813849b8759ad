package io.rutile.cli.bench;

import io.rutile.cli.bench.BenchRun.Phase;
import io.rutile.cli.placement.PdHttp;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** From cells to be to a report on standard output and in a file. */
final class BenchRuns {

    private static final Duration PD_TIMEOUT = Duration.ofSeconds(10);

    private BenchRuns() {}

    /**
     * Runs and reports.
     *
     * @param subjects those of the phases
     * @param benched what they are about
     * @param bars judges the cells; null if nothing is asked of them
     * @return exit code: 1 if a cell has shown nothing or a bar is not met
     */
    static int report(
            RunOptions options,
            int repeats,
            Map<String, String> settings,
            List<Phase> phases,
            Subjects subjects,
            Subjects.Benched benched,
            Path floorDir,
            @Nullable Function<List<Cell>, List<BarResult>> bars)
            throws Exception {
        Instant began = Instant.now().truncatedTo(ChronoUnit.SECONDS);
        RegionLayout layout = phases.stream().allMatch(phase -> phase.regions() == 0)
                ? null
                : new RegionLayout(
                        subjects.client().pd(), new PdHttp(benched.pdEndpoints(), PD_TIMEOUT), BenchRuns::progress);
        BenchRun run = new BenchRun(options.timing(repeats), layout, BenchRuns::progress);
        List<Cell> cells = run.run(phases);
        List<String> remarks = new ArrayList<>(run.remarks());
        BenchHouse.memoryOnly(floorDir).ifPresent(remarks::add);
        List<BarResult> results = bars == null ? null : bars.apply(cells);
        BenchReport report = new BenchReport(
                BenchReport.FORMAT, began.toString(), machine(), settings, cells, results, List.copyOf(remarks));
        System.out.print(Report.markdown(report));
        System.out.flush();
        if (options.json != null) {
            report.write(options.json);
        }
        boolean shown = cells.stream().allMatch(cell -> cell.runs().stream().allMatch(r -> r.operations() > 0));
        return shown && (results == null || results.stream().allMatch(BarResult::met)) ? 0 : 1;
    }

    static Map<String, String> machine() {
        Map<String, String> machine = new LinkedHashMap<>();
        machine.put("processors", Integer.toString(Runtime.getRuntime().availableProcessors()));
        machine.put("java", Runtime.version().toString());
        machine.put("os", System.getProperty("os.name", "") + " " + System.getProperty("os.version", ""));
        machine.put("architecture", System.getProperty("os.arch", ""));
        return machine;
    }

    static void progress(String line) {
        System.err.println(line);
    }
}
