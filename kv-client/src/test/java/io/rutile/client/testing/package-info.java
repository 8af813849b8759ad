/** A small cluster of loopback servers that can be told to misbehave: one PD group, any stores, any Regions. */
@NullMarked
package io.rutile.client.testing;

import org.jspecify.annotations.NullMarked;
