package io.rutile.cli.bench;

import io.grpc.StatusRuntimeException;
import io.rutile.cli.bench.load.Action;
import io.rutile.cli.bench.load.BenchFailure;
import io.rutile.cli.bench.load.Dataset;
import io.rutile.cli.bench.load.Figures;
import io.rutile.cli.bench.load.KeySpace;
import io.rutile.cli.bench.load.Load;
import io.rutile.cli.bench.load.Subject;
import io.rutile.cli.cluster.ClusterException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The order of a run: all keys are loaded; then, for each number of Regions, the keys are cut, every cell is warmed up once, and all cells
 * are measured in turn, as often as wanted.
 */
final class BenchRun {

    /**
     * How long.
     *
     * @param warmUp before each measurement
     * @param duration of each measurement
     * @param repeats of all of them
     */
    record Timing(Duration warmUp, Duration duration, int repeats) {

        private static final int FIRST_TIMES = 8;

        /**
         * Of each cell at first: processes that have just started compile what they run, all on the same processors. A node of three on two of them still
         * spends a quarter of its time on that after a minute of puts.
         */
        Duration first() {
            return warmUp.multipliedBy(FIRST_TIMES);
        }
    }

    /** One cell to be. */
    record Task(Subject subject, Load load, KeySpace keys) {}

    /**
     * Cells that are measured in turn.
     *
     * @param regions that the keys are to lie in; 0 for whatever they lie in
     */
    record Phase(int regions, List<Task> tasks) {}

    /** Keys of a subject. */
    private record Owned(Subject subject, KeySpace keys) {}

    private final Timing timing;
    private final @Nullable RegionLayout layout;
    private final Consumer<String> progress;
    private final Map<Owned, Dataset> datasets = new LinkedHashMap<>();
    private final List<String> remarks = new ArrayList<>();

    /** @param layout arranges Regions; null if there are none */
    BenchRun(Timing timing, @Nullable RegionLayout layout, Consumer<String> progress) {
        this.timing = timing;
        this.layout = layout;
        this.progress = progress;
    }

    List<Cell> run(List<Phase> phases) throws Exception {
        load(phases);
        List<Cell> cells = new ArrayList<>();
        for (Phase phase : phases) {
            cells.addAll(run(phase));
        }
        return cells;
    }

    /** What whoever reads the figures should know. */
    List<String> remarks() {
        return List.copyOf(remarks);
    }

    private void load(List<Phase> phases) throws Exception {
        Map<Owned, Set<Action>> wanted = new LinkedHashMap<>();
        for (Phase phase : phases) {
            for (Task task : phase.tasks()) {
                wanted.computeIfAbsent(new Owned(task.subject(), task.keys()), owned -> EnumSet.noneOf(Action.class))
                        .addAll(task.load().workload().actions());
            }
        }
        for (Map.Entry<Owned, Set<Action>> each : wanted.entrySet()) {
            Subject subject = each.getKey().subject();
            KeySpace keys = each.getKey().keys();
            progress.accept(String.format(
                    Locale.ROOT, "%s: %,d keys of %,d bytes", subject.name(), keys.count(), keys.valueBytes()));
            try {
                subject.load(keys, each.getValue());
            } catch (StatusRuntimeException | BenchFailure e) {
                throw new ClusterException(subject.name() + " takes no keys: " + e.getMessage(), e);
            }
            datasets.put(each.getKey(), Dataset.loaded(keys));
        }
    }

    private List<Cell> run(Phase phase) throws Exception {
        Set<RegionLayout.Range> ranges = ranges(phase);
        for (RegionLayout.Range range : ranges) {
            arranging().arrange(range, phase.regions());
        }
        if (!timing.warmUp().isZero()) {
            for (Task task : phase.tasks()) {
                progress.accept("warming up: " + words(task));
                var unused = task.subject().drive(task.load(), dataset(task), timing.first(), 0);
            }
        }
        List<List<Figures>> figures = new ArrayList<>();
        phase.tasks().forEach(task -> figures.add(new ArrayList<>()));
        for (int repeat = 1; repeat <= timing.repeats(); repeat++) {
            for (int i = 0; i < phase.tasks().size(); i++) {
                Task task = phase.tasks().get(i);
                Figures measured = Figures.measure(
                        task.subject(), task.load(), dataset(task), timing.warmUp(), timing.duration(), repeat);
                figures.get(i).add(measured);
                progress.accept(String.format(
                        Locale.ROOT,
                        "%d of %d, %s: %,.0f ops/s%s",
                        repeat,
                        timing.repeats(),
                        words(task),
                        measured.operationsPerSecond(),
                        measured.errorCount() == 0 ? "" : ", " + measured.errors()));
            }
        }
        for (RegionLayout.Range range : ranges) {
            Optional<String> finding = arranging().check(range, phase.regions());
            finding.ifPresent(found -> remarks.add("after the cells of " + phase.regions() + " regions: " + found));
        }
        List<Cell> cells = new ArrayList<>();
        for (int i = 0; i < figures.size(); i++) {
            cells.add(new Cell(id(phase, phase.tasks().get(i)), figures.get(i)));
        }
        return cells;
    }

    /** Those that somebody asks for who has Regions. */
    private Set<RegionLayout.Range> ranges(Phase phase) {
        Set<RegionLayout.Range> ranges = new LinkedHashSet<>();
        if (phase.regions() > 0) {
            for (Task task : phase.tasks()) {
                task.subject()
                        .regions(task.load().workload())
                        .ifPresent(transactional -> ranges.add(new RegionLayout.Range(task.keys(), transactional)));
            }
        }
        return ranges;
    }

    private RegionLayout arranging() {
        RegionLayout mine = layout;
        if (mine == null) {
            throw new IllegalStateException("there are no Regions to arrange");
        }
        return mine;
    }

    private Dataset dataset(Task task) {
        Dataset dataset = datasets.get(new Owned(task.subject(), task.keys()));
        if (dataset == null) {
            throw new IllegalStateException("no keys were loaded for " + words(task));
        }
        return dataset;
    }

    static Cell.Id id(Phase phase, Task task) {
        return new Cell.Id(
                task.load().label(),
                task.subject().name(),
                task.load().clients(),
                task.load().rate(),
                phase.regions(),
                task.keys().valueBytes());
    }

    private static String words(Task task) {
        return task.load().label() + ", " + task.load().clients() + " clients, "
                + task.subject().name();
    }
}
