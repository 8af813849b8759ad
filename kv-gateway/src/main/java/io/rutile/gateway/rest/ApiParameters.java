package io.rutile.gateway.rest;

import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.enums.ParameterIn;
import io.swagger.v3.oas.annotations.media.Schema;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** Parameters that many operations share, with their words in the OpenAPI document. */
interface ApiParameters {

    /** The key at the end of the path. */
    @Target(ElementType.METHOD)
    @Retention(RetentionPolicy.RUNTIME)
    @Parameter(
            name = "key",
            in = ParameterIn.PATH,
            description =
                    "The key, percent-encoded. Slashes may stand as they are. Nothing behind the last slash is the empty key."
                            + " Binary keys (bytes that are not UTF-8, a zero byte) need enc=hex or enc=base64url.",
            required = true,
            example = "fruit/1",
            schema = @Schema(type = "string"))
    @interface KeyInPath {}

    /** The id of an open transaction. */
    @Target(ElementType.PARAMETER)
    @Retention(RetentionPolicy.RUNTIME)
    @Parameter(description = "The transaction, as its begin answered", example = "0f8fad5bd9cb469fa16570867728950e")
    @interface TransactionId {}

    /** How bytes are spelled. */
    @Target(ElementType.PARAMETER)
    @Retention(RetentionPolicy.RUNTIME)
    @Parameter(
            description =
                    "How keys are spelled; in JSON, values too. Strict: anything else than exactly an encoding is refused.",
            schema =
                    @Schema(
                            allowableValues = {"utf8", "hex", "base64url"},
                            defaultValue = "utf8"))
    @interface Encoding {}

    /** The deadline. */
    @Target(ElementType.PARAMETER)
    @Retention(RetentionPolicy.RUNTIME)
    @Parameter(
            description = "Deadline of the call in the cluster: 500ms, 2s, PT2S or a number of seconds",
            example = "500ms")
    @interface Timeout {}

    /** First key of a range. */
    @Target(ElementType.PARAMETER)
    @Retention(RetentionPolicy.RUNTIME)
    @Parameter(description = "First key; nothing: from the first one")
    @interface Start {}

    /** End of a range. */
    @Target(ElementType.PARAMETER)
    @Retention(RetentionPolicy.RUNTIME)
    @Parameter(description = "First key behind the range; nothing: to the last one")
    @interface End {}

    /** A range by prefix. */
    @Target(ElementType.PARAMETER)
    @Retention(RetentionPolicy.RUNTIME)
    @Parameter(description = "Instead of start and end: every key that begins so", example = "fruit/")
    @interface Prefix {}

    /** How many pairs. */
    @Target(ElementType.PARAMETER)
    @Retention(RetentionPolicy.RUNTIME)
    @Parameter(
            description = "At most so many pairs; nothing: all",
            schema = @Schema(type = "integer", format = "int64", minimum = "0"))
    @interface Limit {}

    /** The other way round. */
    @Target(ElementType.PARAMETER)
    @Retention(RetentionPolicy.RUNTIME)
    @Parameter(
            description = "From the end of the same range down",
            schema = @Schema(type = "boolean", defaultValue = "false"))
    @interface Reverse {}

    /** Without values. */
    @Target(ElementType.PARAMETER)
    @Retention(RetentionPolicy.RUNTIME)
    @Parameter(description = "Leave values out", schema = @Schema(type = "boolean", defaultValue = "false"))
    @interface KeysOnly {}

    /** Locked reads. */
    @Target(ElementType.PARAMETER)
    @Retention(RetentionPolicy.RUNTIME)
    @Parameter(
            description =
                    "Lock the keys too; in a pessimistic transaction the newest values are read, which may be newer than what"
                            + " other reads of it see",
            schema = @Schema(type = "boolean", defaultValue = "false"))
    @interface ForUpdate {}

    /** A write's name. */
    @Target(ElementType.PARAMETER)
    @Retention(RetentionPolicy.RUNTIME)
    @Parameter(
            description =
                    "A name for this write, 1 to 255 printable characters: sent again under the same name it takes effect once, and is"
                            + " answered as it was",
            example = "8e03978e-40d5-43e6-bc93-6894a57f9324")
    @interface Named {}
}
