/** Spring Boot's OpenTelemetry as the services use it. */
@NullMarked
package io.rutile.trace.spring;

import org.jspecify.annotations.NullMarked;
