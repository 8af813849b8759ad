package io.rutile.pd.schedule.operator;

/**
 * What operators under way will change on one store once they are through.
 *
 * @param peers replicas that come, less those that go
 * @param leaders leaders that come, less those that go
 * @param peersBytes by size
 * @param leadersBytes by size
 * @param receiving replicas on their way to it
 */
public record StoreInfluence(int peers, int leaders, long peersBytes, long leadersBytes, int receiving) {

    public static final StoreInfluence NONE = new StoreInfluence(0, 0, 0, 0, 0);

    StoreInfluence plus(StepInfluence step, long regionBytes, int sign) {
        return new StoreInfluence(
                peers + sign * step.peers(),
                leaders + sign * step.leaders(),
                peersBytes + sign * step.peers() * regionBytes,
                leadersBytes + sign * step.leaders() * regionBytes,
                receiving + sign * Math.max(0, step.peers()));
    }
}
