package io.rutile.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * One cluster of three PD members, three nodes and a gateway for every class that takes a {@link TestHouse}: started for the first of
 * them, stopped after the last test. Classes share its data, so the keys of each begin with a prefix of its own; and its Regions and
 * its leaders, so nobody may expect a certain one; but PD moves none while somebody looks, for client-java's resolver of locks does not
 * follow a leader that moves just then. Whatever a class leaves behind, the next one finds every process running.
 */
final class SharedHouse implements ParameterResolver {

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.getParameter().getType() == TestHouse.class;
    }

    @Override
    public TestHouse resolveParameter(ParameterContext parameter, ExtensionContext context) {
        Opened opened = context.getRoot()
                .getStore(ExtensionContext.Namespace.create(SharedHouse.class))
                .computeIfAbsent(SharedHouse.class, key -> Opened.open(), Opened.class);
        opened.house.cluster().start();
        opened.house.awaitReady();
        return opened.house;
    }

    /** Closed by JUnit with the root of all tests. */
    private record Opened(TestHouse house, Path directory) implements AutoCloseable {

        static Opened open() {
            try {
                Path directory = Files.createTempDirectory("rutile-shared-house-");
                return new Opened(TestHouse.atRest(directory, 3, 3), directory);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void close() throws IOException {
            house.close();
            try (Stream<Path> files = Files.walk(directory)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }
}
