package io.rutile.gateway.rest;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.util.Map;
import java.util.TreeMap;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** What somebody finds who opens the gateway's address. */
@RestController
@Tag(name = "index")
final class IndexController {

    private final Index index;

    /**
     * The answer.
     *
     * @param name what answers here
     * @param version of the gateway
     * @param links where to go from here, by what is there
     */
    record Index(String name, String version, Map<String, String> links) {

        Index {
            links = new TreeMap<>(links);
        }
    }

    IndexController(Index index) {
        this.index = index;
    }

    @Operation(operationId = "index", summary = "What is here, and where its description is")
    @GetMapping(path = "/", produces = MediaType.APPLICATION_JSON_VALUE)
    Index index() {
        return index;
    }
}
