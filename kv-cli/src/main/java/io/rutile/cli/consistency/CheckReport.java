package io.rutile.cli.consistency;

import java.util.List;

/**
 * What a check has shown.
 *
 * @param regions in key order
 * @param findings a sentence each; empty if all is well
 */
public record CheckReport(List<RegionVerdict> regions, List<String> findings) {

    public CheckReport {
        regions = List.copyOf(regions);
        findings = List.copyOf(findings);
    }

    public boolean isClean() {
        return findings.isEmpty();
    }
}
