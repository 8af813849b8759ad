package io.rutile.cli.cluster;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;

/**
 * Stands in for a service where only its process is of interest: answers its readiness, and writes to {@code order.txt} when it stops. A
 * file {@code <name>.fails} in the data directory makes it fail at start.
 */
public final class FakeService {

    private FakeService() {}

    public static void main(String[] arguments) throws IOException {
        String name = System.getProperty("rutile.process", "").replaceFirst("@.*", "");
        Path dataDir = Path.of(System.getProperty("rutile.process", "").replaceFirst(".*?@", ""));
        if (Files.exists(dataDir.resolve(name + ".fails"))) {
            System.out.println(
                    "2026-01-31T12:00:00.000Z ERROR 17 --- [main] i.r.n.KvNode : " + name + " was told to fail");
            System.exit(1);
        }
        HttpServer health = HttpServer.create(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), managementPort(arguments)), 0);
        health.createContext("/actuator/health/readiness", exchange -> {
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                Files.writeString(
                        dataDir.resolve("order.txt"),
                        name + "\n",
                        StandardOpenOption.CREATE,
                        StandardOpenOption.APPEND);
            } catch (IOException e) {
                System.out.println(e);
            }
        }));
        health.start();
    }

    private static int managementPort(String[] arguments) {
        String wanted = Arrays.stream(arguments).anyMatch(argument -> argument.startsWith("--management.server.port="))
                ? "--management.server.port="
                : "--server.port=";
        return Arrays.stream(arguments)
                .filter(argument -> argument.startsWith(wanted))
                .mapToInt(argument -> Integer.parseInt(argument.substring(wanted.length())))
                .findFirst()
                .orElseThrow();
    }
}
