package io.rutile.pd.meta;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.SecureRandom;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Who the member of a data directory is, in the file {@code member} there: written when that is known for the first time, never changed.
 * Layout: docs/formats/pd-meta.md.
 *
 * @param id Raft store id and peer id
 * @param name as it was when it became a member
 * @param groupId what members of one group have in common, and compare when their Raft ports connect
 * @param incarnation of the data directory, positive
 * @param joined false if the group began with it
 * @param known members that were known then, this one included, with their Raft addresses as they were, by id
 */
public record MemberIdentity(
        long id, String name, long groupId, long incarnation, boolean joined, Map<Long, InitialCluster.Entry> known) {

    private static final String FILE_NAME = "member";
    private static final String INCARNATION_FILE_NAME = "incarnation";
    private static final String OTHERS_FILE_NAME = "others";

    public MemberIdentity {
        known = Map.copyOf(known);
    }

    /** As a member that the group begins with. */
    public static MemberIdentity initial(InitialCluster cluster, String name, long groupId, long incarnation) {
        Map<Long, InitialCluster.Entry> known = new TreeMap<>();
        for (long id = 1; cluster.contains(id); id++) {
            known.put(id, cluster.member(id));
        }
        return new MemberIdentity(cluster.idOf(name), name, groupId, incarnation, false, known);
    }

    /**
     * Empty if the directory is nobody's yet.
     *
     * @throws IOException if the file is damaged
     */
    public static Optional<MemberIdentity> read(Path directory) throws IOException {
        Path file = directory.resolve(FILE_NAME);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            Map<String, String> fields = new LinkedHashMap<>();
            Map<Long, InitialCluster.Entry> known = new TreeMap<>();
            for (String line : Files.readAllLines(file)) {
                String[] words = line.split(" ", -1);
                if (words[0].equals("known")) {
                    HostPort.parse(words[3]);
                    known.put(Long.parseLong(words[1]), new InitialCluster.Entry(words[2], words[3]));
                } else {
                    fields.put(words[0], words[1]);
                }
            }
            long id = Long.parseLong(fields.getOrDefault("id", ""));
            InitialCluster.Entry self = known.get(id);
            if (self == null) {
                throw new IOException(file + " is damaged: it does not know its own member " + id);
            }
            return Optional.of(new MemberIdentity(
                    id,
                    self.name(),
                    Long.parseLong(fields.getOrDefault("group", "")),
                    Long.parseLong(fields.getOrDefault("incarnation", "")),
                    fields.getOrDefault("began", "").equals("by-joining"),
                    known));
        } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
            throw new IOException(file + " is damaged: " + e.getMessage(), e);
        }
    }

    /** Durable on return. */
    public void write(Path directory) throws IOException {
        StringBuilder text = new StringBuilder()
                .append("id ")
                .append(id)
                .append("\ngroup ")
                .append(groupId)
                .append("\nincarnation ")
                .append(incarnation)
                .append("\nbegan ")
                .append(joined ? "by-joining" : "with-the-group")
                .append('\n');
        new TreeMap<>(known)
                .forEach((memberId, entry) -> text.append("known ")
                        .append(memberId)
                        .append(' ')
                        .append(entry.name())
                        .append(' ')
                        .append(entry.raftAddress())
                        .append('\n'));
        replace(directory, FILE_NAME, text.toString());
    }

    /**
     * The number that tells this data directory from any other that a member of the same name may have had: drawn once, before anybody
     * is told of it, so that who asks again after a crash is known again.
     */
    public static long incarnationOf(Path directory) throws IOException {
        Path file = directory.resolve(INCARNATION_FILE_NAME);
        if (!Files.exists(file)) {
            Files.createDirectories(directory);
            long drawn = Math.max(1, new SecureRandom().nextLong() & Long.MAX_VALUE);
            replace(directory, INCARNATION_FILE_NAME, drawn + "\n");
        }
        try {
            return Long.parseLong(Files.readString(file).strip());
        } catch (NumberFormatException e) {
            throw new IOException(file + " is damaged: " + e.getMessage(), e);
        }
    }

    /**
     * Keeps where other members are found by clients, for the next start: before the log is open, nothing else says whom to ask.
     *
     * @param urls without blanks
     */
    public static void rememberOthers(Path directory, Collection<String> urls) throws IOException {
        replace(directory, OTHERS_FILE_NAME, String.join("\n", urls) + "\n");
    }

    /** What was kept; empty if nothing was. */
    public static List<String> others(Path directory) throws IOException {
        Path file = directory.resolve(OTHERS_FILE_NAME);
        return Files.exists(file)
                ? Files.readAllLines(file).stream()
                        .filter(url -> !url.isBlank())
                        .toList()
                : List.of();
    }

    private static void replace(Path directory, String name, String text) throws IOException {
        Path beside = directory.resolve(name + ".tmp");
        try (FileChannel file = FileChannel.open(
                beside, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
            ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) {
                file.write(bytes);
            }
            file.force(true);
        }
        Files.move(
                beside, directory.resolve(name), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        try (FileChannel entries = FileChannel.open(directory, StandardOpenOption.READ)) {
            entries.force(true);
        }
    }

    /** Whether a member may be called that: it stands in lists with commas, in files with blanks, and in addresses. */
    public static boolean isName(String text) {
        return text.length() <= 64 && text.matches("[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?");
    }
}
