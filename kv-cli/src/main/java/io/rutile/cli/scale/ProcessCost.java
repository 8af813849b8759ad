package io.rutile.cli.scale;

/**
 * What one process took while it was left alone.
 *
 * @param threads of the operating system
 * @param heapMib of the Java heap in use, right after a full collection
 * @param residentMib memory in RAM, of every kind
 * @param cpuPercent processor time per second of the time that was looked at, as a part of one core
 */
record ProcessCost(long threads, long heapMib, long residentMib, double cpuPercent) {}
