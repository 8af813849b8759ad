package io.rutile.gateway.rest;

import io.rutile.gateway.access.Refusal;
import io.rutile.protocol.ByteKey;
import io.swagger.v3.core.converter.ModelConverters;
import io.swagger.v3.oas.models.Components;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.examples.Example;
import io.swagger.v3.oas.models.headers.Header;
import io.swagger.v3.oas.models.info.Info;
import io.swagger.v3.oas.models.info.License;
import io.swagger.v3.oas.models.media.Content;
import io.swagger.v3.oas.models.media.IntegerSchema;
import io.swagger.v3.oas.models.media.MediaType;
import io.swagger.v3.oas.models.media.Schema;
import io.swagger.v3.oas.models.responses.ApiResponse;
import io.swagger.v3.oas.models.security.SecurityRequirement;
import io.swagger.v3.oas.models.security.SecurityScheme;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.springdoc.core.customizers.OpenApiCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** What the OpenAPI document says beside the operations: title, the problem that any of them may answer, examples of it. */
@Configuration(proxyBeanMethods = false)
class OpenApiDocument {

    private static final String BEARER = "bearer";
    private static final String PROBLEM_SCHEMA = "#/components/schemas/Problem";

    @Bean
    OpenAPI openApi(RestSettings settings) {
        Components components = new Components();
        ModelConverters.getInstance().read(Problem.class).forEach(components::addSchemas);
        components.addResponses(
                "KeyNotFound",
                response(
                        "The key is not there",
                        ProblemType.KEY_NOT_FOUND.problem("no value is stored under this key")));
        components.addResponses(
                "PreconditionFailed",
                response(
                        "The value is another one; nothing was written",
                        ProblemType.PRECONDITION_FAILED.problem(
                                "the value has the tag \"9f86d081884c7d659a2feaa0c55ad015\"")));
        components.addResponses(
                "Conflict",
                response(
                        "Another transaction was there first; nothing was written",
                        ProblemType.CONFLICT
                                .problem("write conflict: transaction 7 met 8 committed at 9", "WriteConflict")
                                .withKey(ByteKey.wrap("fruit/1".getBytes(StandardCharsets.UTF_8)))));
        ApiResponse problem = response(
                "Any other problem",
                ProblemType.BUSY.problem("the gateway is busy: 1024 requests are in flight", "ServerIsBusy"));
        problem.addHeaderObject(
                "Retry-After",
                new Header()
                        .description("With status 429 and 503: seconds to wait")
                        .schema(new IntegerSchema()));
        components.addResponses("Problem", problem);
        components.addResponses(
                "Unauthenticated", response("It is not known who calls", Problems.of(Refusal.EXPIRED.failure())));
        components.addResponses(
                "PermissionDenied",
                response(
                        "The caller may not touch all of these keys; nothing was done",
                        ProblemType.PERMISSION_DENIED.problem(
                                "the caller may read, of the raw API, keys that begin with 'fruit/'")));
        components.addSecuritySchemes(
                BEARER,
                new SecurityScheme()
                        .type(SecurityScheme.Type.HTTP)
                        .scheme("bearer")
                        .bearerFormat("API token or JWT")
                        .description(
                                "What the caller was given: an API token of the access file, or a JWT of the issuer that the"
                                        + " gateway believes. A gateway for its own machine may be configured to ask nobody."));
        return new OpenAPI()
                .security(settings.asksCallers() ? List.of(new SecurityRequirement().addList(BEARER)) : List.of())
                .info(new Info()
                        .title("Rutile gateway")
                        .version(settings.version())
                        .description(
                                "The key-value API over HTTP, raw and transactional. Every failure is a Problem (RFC 9457).")
                        .license(new License().name("Apache-2.0").identifier("Apache-2.0")))
                .components(components);
    }

    /** Every operation may answer any problem: said once here instead of at each of them. */
    @Bean
    OpenApiCustomizer problemsEverywhere() {
        return document -> document.getPaths().values().stream()
                .flatMap(path -> path.readOperations().stream())
                .forEach(operation -> operation
                        .getResponses()
                        .addApiResponse("401", new ApiResponse().$ref("#/components/responses/Unauthenticated"))
                        .addApiResponse("403", new ApiResponse().$ref("#/components/responses/PermissionDenied"))
                        .addApiResponse("default", new ApiResponse().$ref("#/components/responses/Problem")));
    }

    private static ApiResponse response(String description, Problem example) {
        return new ApiResponse()
                .description(description)
                .content(new Content()
                        .addMediaType(
                                org.springframework.http.MediaType.APPLICATION_PROBLEM_JSON_VALUE,
                                new MediaType()
                                        .schema(new Schema<>().$ref(PROBLEM_SCHEMA))
                                        .addExamples("problem", new Example().value(example))));
    }
}
