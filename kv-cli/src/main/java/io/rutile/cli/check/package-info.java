/**
 * Judges recorded histories: what transactions did and saw ({@link io.rutile.cli.check.TxnRecord}), and whether a store with snapshot
 * isolation could have answered like that.
 *
 * <p>Rule: a checker is a function of the history alone. It needs no cluster, no clock and no random numbers, so a history that was kept
 * can be judged again. Write skew is not an anomaly under snapshot isolation. Everything runs in the caller's thread; only {@link
 * io.rutile.cli.check.HistoryFile.Writer} takes records from several.
 */
@NullMarked
package io.rutile.cli.check;

import org.jspecify.annotations.NullMarked;
