package io.rutile.cli.cluster;

/** What keys and values of a cluster look like; fixed when the cluster is born. */
public enum ApiVersion {
    /** Raw and transactional data side by side, no expiry. */
    V1,
    /** Raw data only, each value with its expiry. */
    V1TTL,
    /** Key spaces: raw data with expiry and transactional data side by side, told apart by each key's first four bytes. */
    V2
}
