package io.rutile.cli.bench.stress;

/**
 * One look at one process. Field names are those of the JSON report.
 *
 * @param atSeconds since the watch began
 * @param process its name in the cluster
 * @param pid of the operating system; 0 if it was not there
 * @param residentMib memory in RAM, of every kind
 * @param threads of the operating system
 * @param openFiles file descriptors: files, sockets, pipes
 */
public record ProcessSample(
        double atSeconds, String process, long pid, long residentMib, long threads, long openFiles) {

    /** That it was not there. */
    static ProcessSample gone(double atSeconds, String process) {
        return new ProcessSample(atSeconds, process, 0, 0, 0, 0);
    }

    public boolean isGone() {
        return pid == 0;
    }
}
