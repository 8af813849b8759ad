package io.rutile.cli.cluster;

/** What a process of a cluster is. */
public enum Role {
    PD("pd-service"),
    NODE("kv-node-service"),
    GATEWAY("kv-gateway");

    private final String module;

    Role(String module) {
        this.module = module;
    }

    /** The Maven module whose executable jar the process runs. */
    public String module() {
        return module;
    }
}
