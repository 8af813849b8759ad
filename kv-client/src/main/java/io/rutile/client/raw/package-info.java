/**
 * Raw operations: one key atomic, no transactions. Splits batches and scans by Region and joins the answers.
 *
 * <p>Rule: every call has one deadline; a call that may have been carried out and would differ if carried out twice
 * (compare-and-swap) is never repeated silently.
 */
@NullMarked
package io.rutile.client.raw;

import org.jspecify.annotations.NullMarked;
