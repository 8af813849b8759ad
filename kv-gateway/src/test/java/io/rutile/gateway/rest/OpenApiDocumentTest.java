package io.rutile.gateway.rest;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.gateway.RunningGateway;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;
import tools.jackson.databind.JsonNode;

class OpenApiDocumentTest {

    private final RunningGateway gateway = RunningGateway.shared();
    private final JsonNode document = RunningGateway.json(gateway.get("/v3/api-docs"));

    @Test
    void listsEveryRoute() {
        Set<String> served = gateway
                .context()
                .getBean("requestMappingHandlerMapping", RequestMappingHandlerMapping.class)
                .getHandlerMethods()
                .entrySet()
                .stream()
                .filter(route -> route.getValue().getBeanType().getPackage().equals(RawKvController.class.getPackage()))
                .flatMap(route -> route.getKey().getPatternValues().stream()
                        .flatMap(path -> route.getKey().getMethodsCondition().getMethods().stream()
                                .map(method -> method + " " + path.replace("{*", "{"))))
                .collect(Collectors.toCollection(TreeSet::new));
        Set<String> documented = new TreeSet<>();
        document.get("paths")
                .properties()
                .forEach(path -> path.getValue()
                        .propertyNames()
                        .forEach(method -> documented.add(method.toUpperCase(Locale.ROOT) + " " + path.getKey())));

        assertThat(served).hasSizeGreaterThanOrEqualTo(21);
        assertThat(documented).isEqualTo(served);
    }

    @Test
    void everyOperationSaysWhatMayGoWrong() {
        document.get("paths")
                .forEach(path -> path.forEach(operation -> {
                    assertThat(operation.get("operationId").asString()).isNotBlank();
                    assertThat(operation.get("summary").asString()).isNotBlank();
                    assertThat(operation.at("/responses/default/$ref").asString())
                            .isEqualTo("#/components/responses/Problem");
                }));
        assertThat(document.at("/components/responses/Problem/content/application~1problem+json/schema/$ref")
                        .asString())
                .isEqualTo("#/components/schemas/Problem");
        assertThat(document.at("/components/schemas/Problem/properties").propertyNames())
                .containsExactlyInAnyOrder(
                        "type", "title", "status", "detail", "error", "key", "keyBase64url", "retryable");
        assertThat(document.at("/components/responses/Problem/content/application~1problem+json/examples")
                        .isEmpty())
                .isFalse();
    }

    @Test
    void valuesAreBinary() {
        for (String pointer : List.of(
                "/paths/~1v1~1raw~1{key}/get/responses/200/content/application~1octet-stream/schema/format",
                "/paths/~1v1~1raw~1{key}/put/requestBody/content/application~1octet-stream/schema/format")) {
            assertThat(document.at(pointer).asString()).isEqualTo("binary");
        }
    }

    @Test
    void everyReferenceLeadsSomewhere() {
        List<String> references = new ArrayList<>();
        document.findValues("$ref").forEach(reference -> references.add(reference.asString()));

        assertThat(references)
                .isNotEmpty()
                .allSatisfy(reference -> assertThat(
                                document.at(reference.substring(1)).isMissingNode())
                        .as(reference)
                        .isFalse());
    }

    @Test
    void parametersHaveATypeAndAWord() {
        document.get("paths")
                .forEach(path ->
                        path.forEach(operation -> operation.path("parameters").forEach(parameter -> {
                            assertThat(parameter.get("description").asString()).isNotBlank();
                            assertThat(parameter.at("/schema/type").asString())
                                    .as(parameter.toString())
                                    .isNotBlank();
                        })));
    }
}
