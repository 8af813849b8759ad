package io.rutile.cli.cluster;

import java.util.List;
import java.util.Map;

/**
 * What one process of a cluster is started with.
 *
 * @param name unique in its cluster: {@code pd-1}, {@code node-3}, {@code gateway}
 * @param role which service it runs
 * @param ports every port it listens on, by what it is for, in a fixed order; one of them is {@link #MANAGEMENT}
 * @param settings the service's arguments, {@code --property=value}
 * @param tls whether its ports speak TLS
 */
public record ServiceSpec(String name, Role role, Map<String, Integer> ports, List<String> settings, boolean tls) {

    /** Health, metrics and information over HTTP. */
    public static final String MANAGEMENT = "management";

    public ServiceSpec {
        settings = List.copyOf(settings);
    }

    /** Over plaintext. */
    public ServiceSpec(String name, Role role, Map<String, Integer> ports, List<String> settings) {
        this(name, role, ports, settings, false);
    }

    public int port(String purpose) {
        Integer port = ports.get(purpose);
        if (port == null) {
            throw new IllegalArgumentException(name + " has no " + purpose + " port");
        }
        return port;
    }

    /** Where its actuator is: {@code /actuator/health}, {@code /actuator/prometheus} below it. */
    public String managementUrl() {
        return (tls ? "https://" : "http://") + ClusterLayout.HOST + ":" + port(MANAGEMENT);
    }
}
