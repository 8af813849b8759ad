package io.rutile.storage.command;

import io.rutile.storage.engine.WriteBatch;

/**
 * What a command decided.
 *
 * @param batch what to write; empty if nothing
 * @param answer what the caller is told once it is written
 */
public record CommandResult<T>(WriteBatch batch, T answer) {}
