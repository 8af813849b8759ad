package io.rutile.pd.cluster;

import io.rutile.protocol.pdpb.RegionHeartbeatRequest;

/**
 * What went through a Region's leader since its report before.
 *
 * @param bytesWritten since the report before
 * @param keysWritten since the report before
 * @param bytesRead since the report before
 * @param keysRead since the report before
 * @param seconds how long that was, 0 if the report did not say
 */
public record RegionFlow(long bytesWritten, long keysWritten, long bytesRead, long keysRead, long seconds) {

    public static final RegionFlow NONE = new RegionFlow(0, 0, 0, 0, 0);

    static RegionFlow of(RegionHeartbeatRequest heartbeat) {
        long seconds = heartbeat.getInterval().getEndTimestamp()
                - heartbeat.getInterval().getStartTimestamp();
        return new RegionFlow(
                Math.max(0, heartbeat.getBytesWritten()),
                Math.max(0, heartbeat.getKeysWritten()),
                Math.max(0, heartbeat.getBytesRead()),
                Math.max(0, heartbeat.getKeysRead()),
                Math.max(0, seconds));
    }

    /** Read and written, 0 if it was not said over what time. */
    public long bytesPerSecond() {
        return seconds == 0 ? 0 : (bytesWritten + bytesRead) / seconds;
    }
}
