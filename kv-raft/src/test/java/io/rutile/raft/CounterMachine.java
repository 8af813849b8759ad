package io.rutile.raft;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Counts how often each word was proposed, so that a lost entry and one that was applied twice both show. Kept in memory and, when
 * persisted, in one file that a restart reads: whatever came after the last persist must come back from the log.
 */
final class CounterMachine implements ReplicatedStateMachine<Long> {

    private final @Nullable Path file;
    private final TreeMap<String, Long> counts = new TreeMap<>();
    private long applied;
    final List<Replicas> memberships = new CopyOnWriteArrayList<>();
    final List<Throwable> failures = new CopyOnWriteArrayList<>();
    final AtomicInteger persists = new AtomicInteger();
    final AtomicInteger imagesWritten = new AtomicInteger();
    final AtomicInteger imagesInstalled = new AtomicInteger();
    final AtomicInteger starts = new AtomicInteger();
    volatile boolean refuseImages;
    volatile @Nullable RuntimeException failNext;
    volatile @Nullable Runnable beforeApply;
    /** What it says to other replicas that want to be read. */
    volatile UnaryOperator<byte @Nullable []> onQuestion = question -> null;

    CounterMachine(@Nullable Path file, long bootstrapIndex) {
        this.file = file;
        this.applied = bootstrapIndex;
        if (file != null && Files.exists(file)) {
            try {
                read(file);
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    @Override
    public synchronized long appliedIndex() {
        return applied;
    }

    @Override
    public void apply(CommittedEntries<Long> entries) {
        Runnable hook = beforeApply;
        if (hook != null) {
            hook.run();
        }
        synchronized (this) {
            while (entries.next()) {
                RuntimeException failure = failNext;
                if (failure != null) {
                    throw failure;
                }
                ByteBuffer data = entries.data();
                String word = StandardCharsets.UTF_8.decode(data).toString();
                if (entries.index() <= applied) {
                    throw new AssertionError("applied twice: " + entries.index());
                }
                entries.complete(counts.merge(word, 1L, Long::sum));
                applied = entries.index();
            }
        }
    }

    synchronized long count(String word) {
        return counts.getOrDefault(word, 0L);
    }

    synchronized int size() {
        return counts.size();
    }

    synchronized Map<String, Long> copy() {
        return new TreeMap<>(counts);
    }

    @Override
    public synchronized void persist() throws IOException {
        persists.incrementAndGet();
        if (file != null) {
            Path draft = file.resolveSibling(file.getFileName() + ".draft");
            write(draft);
            Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    @Override
    public synchronized long writeImage(Path directory) throws IOException {
        imagesWritten.incrementAndGet();
        write(directory.resolve("counts"));
        Files.writeString(directory.resolve("empty-file"), "");
        return applied;
    }

    @Override
    public synchronized void installImage(Path directory) throws IOException {
        if (refuseImages) {
            throw new IOException("not now");
        }
        read(directory.resolve("counts"));
        imagesInstalled.incrementAndGet();
    }

    private void write(Path target) throws IOException {
        List<String> lines = new ArrayList<>();
        lines.add(Long.toString(applied));
        counts.forEach((word, count) -> lines.add(count + " " + word));
        Files.write(target, lines);
    }

    private void read(Path source) throws IOException {
        List<String> lines = Files.readAllLines(source);
        counts.clear();
        applied = Long.parseLong(lines.get(0));
        for (String line : lines.subList(1, lines.size())) {
            int space = line.indexOf(' ');
            counts.put(line.substring(space + 1), Long.parseLong(line.substring(0, space)));
        }
    }

    @Override
    public void onLeaderStart(long term) {
        starts.incrementAndGet();
    }

    @Override
    public byte @Nullable [] onReadIndex(byte[] question) {
        return onQuestion.apply(question);
    }

    @Override
    public void onReplicas(Replicas replicas) {
        memberships.add(replicas);
    }

    @Override
    public void onFailure(Throwable cause) {
        failures.add(cause);
    }
}
