/**
 * What is measured: clusters through their clients' doors, and the floors under them, each the least that the work must cost.
 *
 * <p>Rule: a subject does what {@link io.rutile.cli.bench.load.Subject} asks and measures nothing itself. Floors with a server have it in a
 * process of its own ({@link io.rutile.cli.bench.subject.FloorProcess}) with a node's JVM flags; it ends with its parent.
 */
@NullMarked
package io.rutile.cli.bench.subject;

import org.jspecify.annotations.NullMarked;
