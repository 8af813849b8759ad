package io.rutile.cli.bench;

import io.rutile.cli.cluster.ClusterException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code rutile bench compare}: what one report says that another doesn't. Exit code 1 if anything is worse, or has errors. */
@Command(
        name = "compare",
        mixinStandardHelpOptions = true,
        description = "Compare two reports of rutile bench --json; exit code 1 if anything is worse or has errors.")
final class CompareCommand implements Callable<Integer> {

    @Parameters(index = "0", paramLabel = "A.json", description = "Before.")
    private Path before = Path.of("");

    @Parameters(index = "1", paramLabel = "B.json", description = "After.")
    private Path after = Path.of("");

    @Option(
            names = "--threshold",
            paramLabel = "PERCENT",
            defaultValue = "3",
            description = "A smaller change of the median is none (default: 3).")
    private double thresholdPercent;

    @Override
    public Integer call() {
        if (!(thresholdPercent >= 0)) {
            throw new ClusterException("--threshold must not be negative");
        }
        Comparison comparison = Comparison.of(BenchReport.read(before), BenchReport.read(after), thresholdPercent);
        System.out.print(comparison.markdown());
        System.out.flush();
        return comparison.isWorse() ? 1 : 0;
    }
}
