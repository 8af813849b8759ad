package io.rutile.cli.cluster;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.Map;

/** Whether the ports that a process wants are free. */
final class Ports {

    private Ports() {}

    /** A port in use now is one clear sentence instead of a stack trace in the log of a process. */
    static void requireFree(ServiceSpec spec) {
        for (Map.Entry<String, Integer> port : spec.ports().entrySet()) {
            try (ServerSocket socket = new ServerSocket()) {
                socket.setReuseAddress(true);
                socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port.getValue()));
            } catch (IOException e) {
                throw new ClusterException(
                        "port " + port.getValue() + " (" + spec.name() + " " + port.getKey()
                                + ") is in use; stop what listens there or choose other ports with --base-port",
                        e);
            }
        }
    }
}
