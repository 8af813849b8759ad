/**
 * Settings of {@code rutile.tls.*} over Spring's SSL bundles, for the shell of a service.
 *
 * <p>Rule: only shells use it. A service imports {@link io.rutile.tls.spring.TlsConfiguration} and hands what {@link
 * io.rutile.tls.spring.ServiceTls} gives to its plain assembly and to its web servers.
 *
 * <p>Threads: everything is made at the start; Spring's watcher of files, one thread, replaces keys.
 */
@NullMarked
package io.rutile.tls.spring;

import org.jspecify.annotations.NullMarked;
