package io.rutile.pd.rpc;

import java.time.Duration;

/**
 * Bounds of the client port (E1, R10).
 *
 * @param connectionsMax connections open at once; one more is closed at once
 * @param silentMax of those, how many may not have spoken HTTP/2 yet; the oldest of them makes room
 * @param silenceTimeout how long a connection may take until it has spoken
 * @param idleTimeout a connection without a call for so long is closed in good order
 * @param callsPerConnectionMax concurrent calls on one connection
 */
public record DoorOptions(
        int connectionsMax, int silentMax, Duration silenceTimeout, Duration idleTimeout, int callsPerConnectionMax) {

    public static final DoorOptions DEFAULTS =
            new DoorOptions(4_096, 256, Duration.ofSeconds(10), Duration.ofMinutes(30), 1_024);
}
