package io.rutile.gateway.rest;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.servlet.http.HttpServletRequest;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** Who one is, as the gateway sees it. */
@RestController
@Tag(name = "index")
final class CallerController {

    private final boolean asks;

    /**
     * The answer.
     *
     * @param name as audit logs have it; {@code anyone} where nobody is asked
     * @param asked whether callers have to say who they are
     * @param admin whether they may look at the cluster and operate the gateway
     */
    record CallerInfo(String name, boolean asked, boolean admin) {}

    /** @param asks whether callers have to say who they are */
    CallerController(boolean asks) {
        this.asks = asks;
    }

    @Operation(operationId = "caller", summary = "Who calls, as the gateway sees it")
    @GetMapping(path = "/v1/caller", produces = MediaType.APPLICATION_JSON_VALUE)
    CallerInfo caller(@Parameter(hidden = true) HttpServletRequest request) {
        var caller = CallerFilter.access(request).caller();
        return new CallerInfo(caller.name(), asks, caller.permissions().isAdmin());
    }
}
